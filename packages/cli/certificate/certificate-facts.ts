import {
  type Certificate,
  type Crl,
  type Csr,
  type Extensions,
  type GeneralName,
  ipText,
  keyAlgorithmOf,
  oids,
  readDer,
  sha256,
} from '@datapunk/pki'
import { timeText } from '../text/time-text.ts'

/** What a certificate or request says, for people and for scripts: names of facts, texts, lists, numbers. */
export type Facts = Readonly<Record<string, string | number | boolean | readonly string[]>>

export function certificateFacts(certificate: Certificate): Facts {
  const { version, subject, issuer, serial, notBefore, notAfter, der } = certificate
  return {
    type: 'certificate',
    version,
    subject: subject.toString(),
    issuer: issuer.toString(),
    serial,
    notBefore: timeText(notBefore),
    notAfter: timeText(notAfter),
    key: keyText(certificate.spki),
    ...extensionFacts(certificate.extensions),
    signatureAlgorithm: algorithmName(certificate.signatureAlgorithm),
    fingerprint: hex(sha256(der)),
    keyHash: hex(sha256(certificate.spki)),
  }
}

/** As many revoked serials as are read. */
const SHOWN = 100

export function listFacts({ issuer, number, base, scope, thisUpdate, nextUpdate, entries, der }: Crl): Facts {
  const revoked: string[] = []
  for (const { serial, at, reason } of entries) {
    if (revoked.length === SHOWN) break
    revoked.push(`${hex(serial)} at ${timeText(at)} (${reason})`)
  }
  return {
    type: 'revocation list',
    issuer: issuer.toString(),
    number: String(number),
    ...(base !== undefined && { changesSince: String(base) }),
    ...(scope !== undefined && { scope: scope.uris }),
    thisUpdate: timeText(thisUpdate),
    nextUpdate: timeText(nextUpdate),
    entries: entries.count,
    revoked,
    fingerprint: hex(sha256(der)),
  }
}

export function requestFacts(request: Csr): Facts {
  return {
    type: 'certificate request',
    subject: request.subject.toString(),
    key: keyText(request.spki),
    ...extensionFacts(request.extensions),
    signatureAlgorithm: algorithmName(request.signatureAlgorithm),
    keyHash: hex(sha256(request.spki)),
  }
}

function extensionFacts(extensions: Extensions): Facts {
  const { subjectAltName, keyUsage, extendedKeyUsage, basicConstraints, nameConstraints } = extensions
  const { subjectKeyIdentifier, authorityKeyIdentifier, unknownCritical, all } = extensions
  const facts: Record<string, Facts[string]> = {}
  const list = (name: string, values: readonly string[] | undefined) => {
    if (values !== undefined && values.length > 0) facts[name] = values
  }
  list('dnsNames', subjectAltName?.dnsNames)
  list('uris', subjectAltName?.uris)
  list('ipAddresses', subjectAltName?.ipAddresses)
  list('emailAddresses', subjectAltName?.emailAddresses)
  list('otherNames', subjectAltName?.otherForms)
  list('keyUsage', keyUsage && [...keyUsage.usages])
  list('extendedKeyUsage', extendedKeyUsage?.purposes.map(oidName))
  if (basicConstraints !== undefined) facts.ca = basicConstraints.ca
  if (basicConstraints?.pathLength !== undefined) facts.pathLength = basicConstraints.pathLength
  list('permittedNames', nameConstraints?.permitted.map(subtreeText))
  list('excludedNames', nameConstraints?.excluded.map(subtreeText))
  if (subjectKeyIdentifier) facts.subjectKeyIdentifier = hex(subjectKeyIdentifier.keyIdentifier)
  if (authorityKeyIdentifier?.keyIdentifier)
    facts.authorityKeyIdentifier = hex(authorityKeyIdentifier.keyIdentifier)
  list('unknownCriticalExtensions', unknownCritical)
  list(
    'extensions',
    all.map(({ oid, critical }) => `${oidName(oid)}${critical ? ' (critical)' : ''}`),
  )
  return facts
}

function keyText(spki: Uint8Array): string {
  try {
    const { algorithm, rsaBits } = keyAlgorithmOf(spki)
    return rsaBits === undefined ? algorithm : `${algorithm} ${rsaBits}`
  } catch (error) {
    return `not usable here: ${error instanceof Error ? error.message : String(error)}`
  }
}

function algorithmName(identifier: Uint8Array): string {
  return readDer(identifier, (der) =>
    der.sequence((algorithm) => {
      const oid = algorithm.oid()
      algorithm.each((parameters) => parameters.any())
      return oidName(oid)
    }),
  )
}

const oidNames = new Map(Object.entries(oids).map(([name, oid]): [string, string] => [oid, name]))

function oidName(oid: string): string {
  return oidNames.get(oid) ?? oid
}

function subtreeText({ form, value }: GeneralName): string {
  if (value instanceof Uint8Array) {
    const half = value.length / 2
    return `${form}:${ipText(value.subarray(0, half))}/${ipText(value.subarray(half))}`
  }
  return `${form}:${value ?? ''}`
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
