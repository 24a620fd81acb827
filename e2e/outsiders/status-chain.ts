import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Certificate,
  encodePem,
  generateKeyPair,
  issuingCaCertificate,
  type KeyAlgorithm,
  leafCertificate,
  lint,
  localSigner,
  ocspSignerCertificate,
  operatorCertificate,
  type Profile,
  parseCertificate,
  rootCertificate,
  type Signer,
  signCertificate,
} from '@datapunk/pki'

const day = 24 * 60 * 60 * 1000

export type Place = 'root' | 'issuing' | 'leaf' | 'operator' | 'ocspSigner'

interface Member {
  readonly certificate: Certificate
  readonly signer: Signer
  /** PEM of the certificate, and of its key. */
  readonly file: string
  readonly keyFile: string
}

export type StatusChain = Readonly<Record<Place, Member>> & {
  readonly folder: string
  /** The moment it was made; milliseconds since the epoch, whole seconds. */
  readonly at: number
  remove(): void
}

/**
 * A chain whose certificates say where their status is to be learned, as much of it as each profile knows, and a key that
 * signs OCSP responses about its leaf. The names that the issuing CA may use are those of a mesh without addresses.
 */
export async function statusChain(algorithm: KeyAlgorithm): Promise<StatusChain> {
  const folder = mkdtempSync(join(tmpdir(), 'status-'))
  const at = Math.floor(Date.now() / 1000) * 1000
  const times = { notBefore: at - day, notAfter: at + 7 * day }
  const name = (commonName: string) => ({ commonName, organization: 'Datapunk', country: 'US' })

  const member = async (
    place: Place,
    profile: Profile,
    above: Member | undefined,
    tbsOf: (fields: { serial: Uint8Array; spki: Uint8Array } & typeof times) => Uint8Array,
  ): Promise<Member> => {
    const { privateKey } = await generateKeyPair(algorithm)
    const signer = localSigner(privateKey)
    const tbs = tbsOf({ serial: randomBytes(16), spki: signer.spki, ...times })
    const token = lint({ tbs, profile, ...(above && { issuer: above.certificate }) })
    const certificate = parseCertificate(await signCertificate(token, (above ?? { signer }).signer))
    const [file, keyFile] = [join(folder, `${place}.pem`), join(folder, `${place}.key`)]
    writeFileSync(file, encodePem('CERTIFICATE', certificate.der))
    writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
    return { certificate, signer, file, keyFile }
  }

  const status = {
    crlDistributionPoint: 'http://status.service.datapunk/1.crl',
    caIssuersUrl: 'http://status.service.datapunk/issuer.cer',
  }
  const root = await member('root', 'root', undefined, (fields) =>
    rootCertificate({ ...fields, subject: name('status root') }),
  )
  const issuing = await member('issuing', 'issuing-ca', root, (fields) =>
    issuingCaCertificate({
      ...fields,
      ...status,
      issuer: root.certificate,
      subject: name('status issuing CA'),
      permittedDomains: ['service.datapunk'],
      permittedUriHosts: ['service.datapunk'],
      permittedIps: [],
    }),
  )
  const issuer = issuing.certificate
  const leaf = await member('leaf', 'leaf', issuing, (fields) =>
    leafCertificate({
      ...fields,
      ...status,
      issuer,
      freshestCrl: 'http://status.service.datapunk/1-delta.crl',
      ocspUrl: 'http://status.service.datapunk/',
      mustStaple: true,
      subject: name('lake.service.datapunk'),
      dnsNames: ['lake.service.datapunk'],
      uris: ['spiffe://service.datapunk/lake'],
      ipAddresses: [],
    }),
  )
  const operator = await member('operator', 'operator', issuing, (fields) =>
    operatorCertificate({
      ...fields,
      ...status,
      issuer,
      freshestCrl: 'http://status.service.datapunk/1-delta.crl',
      ocspUrl: 'http://status.service.datapunk/',
      subject: name('alice'),
      uris: ['spiffe://service.datapunk/operator/alice'],
    }),
  )
  const ocspSigner = await member('ocspSigner', 'ocsp-signer', issuing, (fields) =>
    ocspSignerCertificate({ ...fields, issuer, subject: name('status OCSP signer') }),
  )
  const remove = () => rmSync(folder, { recursive: true, force: true })
  return { root, issuing, leaf, operator, ocspSigner, folder, at, remove }
}
