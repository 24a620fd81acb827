import { hash } from 'node:crypto'
import { type Certificate, PkiError, parseCertificate, parseSpiffeId, verifyPath } from '@datapunk/pki'
import { formatDocumentNumber, keyIdOf, type Member } from '@datapunk/protocol'
import type { Peer } from './peer.ts'
import { Refused } from './refusal.ts'
import { checkLogged } from './transparency/check-logged.ts'
import type { MeshView } from './view.ts'

/** What a certificate is shown for: `clientAuth` by callers, `serverAuth` by servers. */
export type Usage = 'clientAuth' | 'serverAuth'

/** A certificate as it came; those of node:tls and of node:crypto are both such. */
export interface PresentedCertificate {
  /** SHA-256 as OpenSSL writes it: upper case, with colons. To look it up by; far cheaper to get than the bytes. */
  readonly fingerprint256: string
  /** DER. */
  readonly raw: Uint8Array
}

/** A certificate that is a member's, and whose. */
export interface Standing {
  readonly member: Member
  readonly peer: Peer
  readonly leaf: Certificate
  /** The same, without OpenSSL's object behind it, to be kept. */
  readonly presented: PresentedCertificate
  /** What it would be refused for, were those checks not only to be reported. */
  readonly reported: readonly Refused[]
  /** The issuing CA that has signed it, by the `keyIdOf` of its key. */
  readonly issuer: string
  /** The time in which all of it holds: the certificate's own and that of the chain above it. Milliseconds. */
  readonly notBefore: number
  readonly notAfter: number
}

/**
 * Steps 1 to 5 of the gate for one certificate: everything that does not depend on who asks.
 *
 * @param der the certificate as it was presented; whatever else the peer sent is not looked at
 * @param at milliseconds since the epoch
 * @throws Refused
 */
export function examine(der: Uint8Array, view: MeshView, usage: Usage, at: number): Standing {
  const leaf = checked(() => parseCertificate(der))
  const path = checked(
    () =>
      verifyPath({
        leaf,
        intermediates: view.trust.issuingCas,
        roots: view.trust.roots,
        at,
        usage,
      }),
    leaf,
  )
  const member = memberOf(leaf, view)
  checkNames(leaf, member)
  checkSubject(leaf, member)
  checkRevoked(leaf, member, view)
  const unpinned = checkPinned(leaf, member, view)
  const { notBefore, notAfter } = path
  const fingerprint = hash('sha256', der, 'hex')
  const issuerSpki = path.chain[1]?.spki ?? leaf.spki
  const unlogged = checkLogged(leaf, member, view, { fingerprint, issuerSpki, at })
  const reported = [unpinned, unlogged].filter((one) => one !== undefined)
  const peer: Peer = Object.freeze({
    service: member.service,
    spiffeId: member.spiffeId,
    dnsNames: Object.freeze([...(leaf.extensions.subjectAltName?.dnsNames ?? [])]),
    serial: leaf.serial,
    fingerprint,
    notBefore,
    notAfter,
  })
  const presented = { fingerprint256: opensslFingerprint(fingerprint), raw: leaf.der }
  const issuer = keyIdOf(issuerSpki)
  return { member, peer, leaf, presented, reported, issuer, notBefore, notAfter }
}

/** X509-SVID 2: exactly one URI SAN, a SPIFFE ID; whatever has more is refused. The CN is never looked at (RFC 9525 2). */
function memberOf(leaf: Certificate, view: MeshView): Member {
  const uris = leaf.extensions.subjectAltName?.uris ?? []
  const [uri] = uris
  if (uri === undefined || uris.length !== 1) {
    throw new Refused(
      'SPIFFE_ID_INVALID',
      `found ${uris.length} URIs in the certificate's subjectAltName; allowed: exactly one, a SPIFFE ID`,
      ownPair,
      { leaf },
    )
  }
  const id = checked(() => parseSpiffeId(uri), leaf)
  const member = view.bundle.memberBySpiffeId.get(uri)
  if (id.trustDomain === view.trust.trustDomain && member !== undefined) return member
  throw new Refused(
    'NOT_A_MEMBER',
    `found ${uri}; allowed: the members of the mesh ${view.trust.trustDomain}`,
    'add the service to the config file and run `mtls apply`',
    { leaf },
  )
}

/** Every certificate of a member names it by DNS too, or it would be one for callers only. */
function checkNames(leaf: Certificate, member: Member): void {
  const names = leaf.extensions.subjectAltName
  if (!names?.dnsNames.length) {
    const allowed = member.dnsNames.join(', ')
    throw new Refused(
      'NAME_MISSING',
      `found a certificate of ${member.service} without a DNS name in its subjectAltName; allowed: ${allowed}`,
      ownPair,
      { leaf },
    )
  }
  const foreign = [
    ...names.dnsNames.filter((name) => !member.dnsNames.includes(name.toLowerCase())),
    ...names.ipAddresses.filter((address) => !member.ipAddresses.includes(address)),
  ]
  if (foreign.length === 0) return
  throw new Refused(
    'NAME_NOT_LISTED',
    `found a certificate of ${member.service} for ${foreign.join(', ')}; allowed: ${member.dnsNames.join(', ')}`,
    `name it under services.${member.service}.dns_names or ip_addresses, or take the certificate out of use, and run \`mtls apply\``,
    { leaf },
  )
}

function checkSubject(leaf: Certificate, member: Member): void {
  const { organization, country } = leaf.subject
  const accepted =
    organization.length === 1 &&
    country.length === 1 &&
    member.subjects.some(
      (subject) => subject.organization === organization[0] && subject.country === country[0],
    )
  if (accepted) return
  const allowed = member.subjects
    .map((subject) => `O=${subject.organization}, C=${subject.country}`)
    .join(' or ')
  throw new Refused(
    'SUBJECT_NOT_ACCEPTED',
    `found a certificate of ${member.service} with O=${organization.join('+')}, C=${country.join('+')}; allowed: ${allowed}`,
    ownPair,
    { leaf },
  )
}

function checkRevoked(leaf: Certificate, { service }: Member, { bundle }: MeshView): void {
  if (!bundle.revoked.has(leaf.serial)) return
  throw new Refused(
    'REVOKED',
    `found the certificate ${leaf.serial} of ${service}, which bundle ${formatDocumentNumber(bundle.head.number)} lists as revoked; allowed: one that is not`,
    `use the newest pair of ${service}: \`mtls status\` says whether it has one; \`mtls issue ${service}\` lets a barred service in again`,
    { leaf },
  )
}

/** RFC 7469 2.6, for the leaf alone: who holds the issuing key does not hold those of the members. */
function checkPinned(leaf: Certificate, { service }: Member, { bundle }: MeshView): Refused | undefined {
  const { pins, head } = bundle
  if (pins === undefined) return undefined
  const pin = hash('sha256', leaf.spki, 'base64')
  if (pins.of.get(service)?.has(pin)) return undefined
  const refused = new Refused(
    'NOT_PINNED',
    `found the certificate ${leaf.serial} of ${service} for the key sha256/${pin}, which bundle ${formatDocumentNumber(head.number)} does not name; allowed: keys that \`mtls pins ${service}\` shows`,
    `use the newest pair of ${service} that \`mtls apply\` wrote; where that is the one, \`mtls apply\` publishes its pin, and \`mtls pins --suspend 1h\` lets it in meanwhile`,
    { leaf },
  )
  if (pins.mode === 'required') throw refused
  return refused
}

function opensslFingerprint(hex: string): string {
  return hex.toUpperCase().match(/../g)?.join(':') ?? ''
}

const ownPair = 'use the pair that `mtls apply` wrote; `mtls inspect FILE` shows what this one is'

function fixFor(code: PkiError['code']): string {
  switch (code) {
    case 'CERTIFICATE_EXPIRED':
      return '`mtls apply` issues a new pair, which a running service takes up by itself'
    case 'CERTIFICATE_NOT_YET_VALID':
      return 'set the clocks of both machines right'
    default:
      return ownPair
  }
}

function checked<T>(check: () => T, leaf?: Certificate): T {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
    throw new Refused(error.code, error.message, fixFor(error.code), { cause: error, ...(leaf && { leaf }) })
  }
}
