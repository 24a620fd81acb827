import {
  type Certificate,
  crossCertificate,
  issuingCaCertificate,
  type LintToken,
  leafCertificate,
  lint,
  ocspSignerCertificate,
  operatorCertificate,
  type Profile,
  parseCertificate,
  rootCertificate,
  type Signer,
  serialText,
  signCertificate,
  signLogged,
  signPrecertificate,
  tbsHash,
} from '@datapunk/pki'
import { keyIdOf, revokedPrefix } from '@datapunk/protocol'
import type { Issuing } from '../engine/issuing.ts'
import { OCSP_SIGNER_LIFE } from '../planning/lifetimes.ts'
import { caStatusUrls, leafStatusUrls } from '../revoked/status-urls.ts'
import { type Logged, submit } from '../scts/submit.ts'
import { type Constraints, parseConstraints } from '../services/constraints.ts'
import { operatorOf } from '../services/service-record.ts'
import { type CertificateRequest, encodeRequest } from '../services/settings.ts'
import type { Transaction } from '../store/contract.ts'
import { refusal } from '../store/refusal.ts'
import type { CertificateProfile, SlotRow } from '../store/rows.ts'
import { DAY, wholeSeconds } from '../time.ts'

/**
 * notBefore lies an hour back, so that a peer whose clock is late believes a certificate made a moment ago; of a life under a
 * day it is a 24th, but what clocks usually differ by at least, because a leaf of minutes would end before it began.
 */
const BACKDATED = 60 * 60 * 1000
const LEAST_BACKDATED = 5 * 60 * 1000

/** @param life milliseconds */
function backdating(life: number): number {
  return Math.min(BACKDATED, Math.max(LEAST_BACKDATED, life / 24), life / 4)
}

/** Serial numbers: 128 random bits (RFC 5280 4.1.2.2 allows 20 octets; the Baseline Requirements ask for 64 bits). */
const SERIAL_BYTES = 16

/** Who draws a used serial so often draws no random ones. */
const MAX_DRAWS = 8

/** Peers know revoked serials by their first 64 bits, so no two serials ever share those. */
function drawSerial({ randomBytes, store }: Issuing): Uint8Array {
  for (let draws = 1; ; draws++) {
    const serial = randomBytes(SERIAL_BYTES)
    const text = serialText(serial)
    if (!store.isSerialPrefixUsed(revokedPrefix(text))) return serial
    if (draws === MAX_DRAWS) throw refusal.serialReused(text)
  }
}

/** A key that signs certificates: the slot it lies in, its own certificate, and its signer. */
export interface Issuer {
  readonly slot: string
  readonly certificate: Certificate
  readonly signer: Signer
  /** What it may sign for, where that is on record. */
  readonly constraints?: Constraints | undefined
  /** DER of what a service shows above the issuing CA, for whoever does not know its root yet. */
  readonly above?: readonly Uint8Array[]
}

export interface IssuedCertificate {
  /** Lowercase hex. */
  readonly serial: string
  readonly der: Uint8Array
  readonly notAfter: number
}

/**
 * Issues the certificate of an instance, or of an operator. Steps 1 (the plan) and 2 (the key) lie before it, 9 (the pair is swapped) and 10
 * (the event) after it; the numbers are those of docs/stories.md. A crash between any two steps leaves the old pair
 * serving, and what was intended on record.
 *
 * @param spki DER SubjectPublicKeyInfo of the key, wherever that lives
 * @throws PkiError `LINT_FAILED` before anything is recorded; AuthorityError `STORE_FAILED` before anything is signed
 */
export async function issueLeaf(
  leaf: {
    /** Undefined: of none. */
    readonly instance: string | undefined
    /** Default `leaf`. */
    readonly profile?: 'authority' | 'operator' | 'probe' | undefined
    readonly spiffeId: string
    readonly request: CertificateRequest
    readonly spki: Uint8Array
    readonly validityDays: number
    /** When it begins, milliseconds since the epoch; a while ago unless told. */
    readonly notBefore?: number | undefined
    /** What it takes the place of is good: then it waits until every live peer knows its log. */
    readonly mayWait?: boolean | undefined
  },
  issuer: Issuer,
  issuing: Issuing,
): Promise<IssuedCertificate> {
  // 3 Profile → to-be-signed certificate. A leaf never outlives its issuer (RFC 4210 4.4.1).
  const now = wholeSeconds(issuing.clock())
  const life = leaf.validityDays * DAY
  const begin = leaf.notBefore ?? now - backdating(life)
  const notBefore = wholeSeconds(Math.max(begin, issuer.certificate.notBefore))
  const notAfter = wholeSeconds(Math.min(notBefore + life, issuer.certificate.notAfter))
  const serial = drawSerial(issuing)
  const { request, spki, instance, profile = 'leaf', mayWait } = leaf
  const { commonName, organization, country, dnsNames, ipAddresses, mustStaple } = request
  // Operators have fewer names, and call alone.
  const toBeSigned = profile === 'operator' ? operatorCertificate : leafCertificate
  const tbs = toBeSigned({
    serial,
    issuer: issuer.certificate,
    subject: { commonName, organization, country },
    spki,
    notBefore,
    notAfter,
    dnsNames,
    uris: [leaf.spiffeId],
    ipAddresses,
    ...leafStatusUrls(issuing.config, slotOf(issuer, issuing), serialText(serial)),
    mustStaple,
  })
  return recordAndSign(
    { profile, serial, tbs, spki, request: encodeRequest(request), notBefore, notAfter, instance, mayWait },
    issuer,
    issuing,
  )
}

/** Makes the self-signed certificate of a root. The same steps; what it was asked to say is in its slot. */
export async function issueRoot(
  root: {
    readonly slot: string
    readonly commonName: string
    readonly organization: string
    readonly country: string
  },
  years: number,
  signer: Signer,
  issuing: Issuing,
  activate: (transaction: Transaction, der: Uint8Array) => void,
): Promise<Certificate> {
  const now = wholeSeconds(issuing.clock())
  const notBefore = now - BACKDATED
  const notAfter = notBefore + years * 365 * DAY
  const { slot, ...subject } = root
  const { spki } = signer
  const serial = drawSerial(issuing)
  const tbs = rootCertificate({ serial, subject, spki, notBefore, notAfter })
  const issued = await recordAndSign(
    { profile: 'root', serial, tbs, spki, request: JSON.stringify(subject), notBefore, notAfter },
    { slot, signer },
    issuing,
    activate,
  )
  return parseCertificate(issued.der)
}

/** Makes the certificate of an issuing CA: path length 0, no EKU, critical name constraints (docs/decisions/certificate-profile.md). */
export async function issueIssuingCa(
  ca: {
    readonly subject: { readonly commonName: string; readonly organization: string; readonly country: string }
    readonly spki: Uint8Array
    /** As `constraintsOf` gives them. */
    readonly constraints: string
  },
  years: number,
  root: Issuer,
  issuing: Issuing,
  activate: (transaction: Transaction, der: Uint8Array) => void,
): Promise<Certificate> {
  const now = wholeSeconds(issuing.clock())
  const notBefore = Math.max(now - BACKDATED, root.certificate.notBefore)
  const notAfter = Math.min(notBefore + years * 365 * DAY, root.certificate.notAfter)
  const { subject, spki, constraints } = ca
  const { domains, ipAddresses, uris } = parseConstraints(constraints)
  const serial = drawSerial(issuing)
  const tbs = issuingCaCertificate({
    serial,
    issuer: root.certificate,
    subject,
    spki,
    notBefore,
    notAfter,
    permittedDomains: domains,
    permittedUriHosts: uris ?? domains,
    permittedIps: ipAddresses,
    ...caStatusUrls(issuing.config, slotOf(root, issuing)),
  })
  const issued = await recordAndSign(
    { profile: 'issuing-ca', serial, tbs, spki, request: constraints, notBefore, notAfter },
    root,
    issuing,
    activate,
  )
  return parseCertificate(issued.der)
}

/** Makes the certificate by which one root vouches for another (RFC 9810): as long as both of them live. */
export async function issueCross(
  subject: Certificate,
  issuer: Issuer,
  issuing: Issuing,
): Promise<IssuedCertificate> {
  const notBefore = Math.max(subject.notBefore, issuer.certificate.notBefore)
  const notAfter = Math.min(subject.notAfter, issuer.certificate.notAfter)
  const serial = drawSerial(issuing)
  const urls = caStatusUrls(issuing.config, slotOf(issuer, issuing))
  const tbs = crossCertificate({ serial, issuer: issuer.certificate, subject, notBefore, notAfter, ...urls })
  const request = JSON.stringify({ subject: subject.serial })
  return recordAndSign(
    { profile: 'cross', serial, tbs, spki: subject.spki, request, notBefore, notAfter },
    issuer,
    issuing,
  )
}

/** Makes the certificate of a key that answers OCSP requests for an issuing CA. */
export async function issueOcspSigner(
  {
    subject,
    spki,
  }: {
    readonly subject: { readonly commonName: string; readonly organization: string; readonly country: string }
    readonly spki: Uint8Array
  },
  issuer: Issuer,
  issuing: Issuing,
): Promise<IssuedCertificate> {
  const now = wholeSeconds(issuing.clock())
  const notBefore = Math.max(now - BACKDATED, issuer.certificate.notBefore)
  const notAfter = Math.min(notBefore + OCSP_SIGNER_LIFE, issuer.certificate.notAfter)
  const serial = drawSerial(issuing)
  const tbs = ocspSignerCertificate({
    serial,
    issuer: issuer.certificate,
    subject,
    spki,
    notBefore,
    notAfter,
  })
  return recordAndSign(
    { profile: 'ocsp-signer', serial, tbs, spki, request: JSON.stringify(subject), notBefore, notAfter },
    issuer,
    issuing,
  )
}

function slotOf({ slot }: Pick<Issuer, 'slot'>, { store }: Issuing): SlotRow {
  const row = store.slots().find(({ id }) => id === slot)
  if (row === undefined) throw new TypeError(`the issuer's slot ${slot} is on record`)
  return row
}

/** What is to be signed, and recorded. */
interface Signing {
  readonly profile: CertificateProfile
  readonly serial: Uint8Array
  readonly tbs: Uint8Array
  /** DER SubjectPublicKeyInfo of the key that is certified. */
  readonly spki: Uint8Array
  /** What it was asked to say, as text. */
  readonly request: string
  readonly notBefore: number
  readonly notAfter: number
  /** Of a leaf, as `issueLeaf` says. */
  readonly instance?: string | undefined
  readonly mayWait?: boolean | undefined
}

/** Steps 4 to 8, the same for every profile. */
async function recordAndSign(
  signing: Signing,
  issuer: Pick<Issuer, 'slot' | 'signer'> & Partial<Pick<Issuer, 'certificate'>>,
  issuing: Issuing,
  alongside?: (transaction: Transaction, der: Uint8Array) => void,
): Promise<IssuedCertificate> {
  const { store, clock, actor } = issuing
  const { profile, tbs, request, notBefore, notAfter, instance } = signing
  const { slot, certificate } = issuer
  // 4 Lint: the token signs what was linted, once as a precertificate and once as the certificate, and nothing else.
  const token = lint({ tbs, profile: formOf(profile), ...(certificate && { issuer: certificate }) })
  // 5 The intent is on disk before any signature exists.
  const [serial, spkiHash] = [serialText(signing.serial), keyIdOf(signing.spki)]
  const operator = operatorOf({ profile, request })
  const end = new Date(notAfter).toISOString()
  const entry = { serial, profile, instance, operator, slot, spkiHash, notAfter: end }
  await store.write((transaction) => {
    const tbsHashText = Buffer.from(tbsHash(tbs)).toString('hex')
    const row = { serial, profile, slot, spkiHash, instance, notBefore, notAfter, request }
    transaction.recordIntent({ ...row, tbsHash: tbsHashText, intendedAt: clock() })
    transaction.addAudit({ at: clock(), actor, deed: 'intended', entry })
  })
  const { der, log } = await signed(token, signing, issuer, issuing)
  // 8 Recorded with its audit entry.
  await store.write((transaction) => {
    const replaces = transaction.recordIssued(serial, der, log)
    const deed = replaces === undefined ? 'issued' : 'renewed'
    transaction.addAudit({ at: clock(), actor, deed, entry: { ...entry, log, replaces } })
    alongside?.(transaction, der)
  })
  return { serial, der, notAfter }
}

/** What the authority and the probe show looks like every other leaf. */
function formOf(profile: CertificateProfile): Profile {
  return profile === 'authority' || profile === 'probe' ? 'leaf' : profile
}

/** What a transparency log is for: whatever somebody may be shown. Roots and CAs are in the trust statement. */
const LOGGED: ReadonlySet<CertificateProfile> = new Set([
  'leaf',
  'authority',
  'operator',
  'probe',
  'ocsp-signer',
])

/** Steps 6 and 7. */
async function signed(
  token: LintToken,
  { profile, mayWait = false }: Signing,
  { signer, certificate }: Parameters<typeof recordAndSign>[1],
  issuing: Issuing,
): Promise<{ readonly der: Uint8Array; readonly log: string | undefined }> {
  if (issuing.config.transparency === 'off' || !LOGGED.has(profile) || certificate === undefined)
    return { der: await signCertificate(token, signer), log: undefined }
  // 6 The precertificate goes to the log; its SCT comes back when everybody can see the entry.
  const precertificate = await signPrecertificate(token, signer)
  const { sct, log }: Logged = await submit(precertificate, certificate.der, { ...issuing, mayWait })
  // 7 Sign; the signature is checked, and that the certificate is what was linted and logged.
  return { der: await signLogged(precertificate, [sct], signer), log }
}
