import type { KeyAlgorithm } from '@datapunk/pki'
import type { DocumentNumber, Requirement, Strictness } from '@datapunk/protocol'
import type { TreeRoot } from '@datapunk/tlog'
import type { AuditRecord } from './audit-leaf.ts'

export interface MeshRow {
  /** 128 random bits, lowercase hex. */
  meshId: string
  trustDomain: string
  environment: string
  /** Raised by a restore; numbers are (generation, counter). */
  generation: number
  createdAt: number
  /** Why nothing is signed: what showed that this inventory is not the newest one of its mesh. */
  halted: string | undefined
  /** When a backup was last made, milliseconds since the epoch. */
  backedUpAt: number | undefined
  /** What peers are told to do with a certificate that is not logged; absent: nothing. */
  scts?: Requirement | undefined
  /** Of the bundles that have not ended, those that live longest first; absent before there is one. */
  bundleTerms?: readonly BundleTerm[] | undefined
  /** What the config said of the mesh as a whole at the last apply, as `meshSettingsText` writes it; absent where that was not recorded yet. */
  settings?: string | undefined
}

/** Bundles that were given the same life. */
export interface BundleTerm {
  /** How long somebody may go by one of them, from when it was issued, milliseconds. */
  memory: number
  /** When nobody goes by the last of them any more, milliseconds since the epoch. */
  until: number
}

/** What may change of the mesh's own row. */
export type MeshChange = Partial<
  Pick<MeshRow, 'generation' | 'halted' | 'backedUpAt' | 'scts' | 'bundleTerms' | 'settings'>
>

export type SlotKind = 'root' | 'issuing-ca' | 'bundle-key' | 'log'
export type SlotState = 'prepared' | 'active' | 'retiring' | 'retired' | 'compromised'

/** Where a root, issuing CA, bundle key or log lives through its life. The key of a log is the log's own. */
export interface SlotRow {
  /** `root-1`, `issuing-ca-1`, `bundle-key-1`, `log-1`, … */
  id: string
  kind: SlotKind
  state: SlotState
  algorithm: KeyAlgorithm
  /** SHA-256 of the DER SubjectPublicKeyInfo, lowercase hex. */
  spkiHash: string
  /** DER SubjectPublicKeyInfo. */
  spki: Uint8Array
  /** DER; absent for bundle keys and logs, and while `prepared`. */
  certificate: Uint8Array | undefined
  since: number
  /** Of a log: its name in checkpoints. */
  origin?: string
  /** Of a log: up to where it was compared with what is on record; absent where it was not. */
  monitored?: number
  /** Of an issuing CA or a bundle key that retires: since which bundle peers are told to let go of it; absent where they are not. */
  toldIn?: Announced
  /** Instances that this slot's roll-over does not wait for, each named by somebody (`--without`). */
  leftOut: readonly string[]
}

export type ServiceState = 'member' | 'removed'

export interface ServiceRow {
  service: string
  spiffeId: string
  state: ServiceState
  /** The settings the service was last applied with, as canonical JSON: what `plan` compares the config with. */
  settings: string
  since: number
  /** Since when it gets no certificate, because it was revoked, until somebody issues it one (`mtls issue`). */
  barredAt: number | undefined
}

export interface InstanceRow {
  id: string
  service: string
  /** Where its key lives: `here` (a pair folder of this authority) or `elsewhere` (it sends CSRs). */
  place: 'here' | 'elsewhere'
  since: number
  /** Of the certificate that is not renewed by itself, because it was put back (`mtls rotate --back`): lowercase hex. */
  held: string | undefined
}

/** How long an instance has a certificate. */
export interface TermRow {
  service: string
  instance: string
  /** As of the instance. */
  place: InstanceRow['place']
  /** It is not renewed by itself. */
  held: boolean
  /** Of its current certificate, lowercase hex. */
  serial: string
  /** Milliseconds since the epoch. */
  notBefore: number
  notAfter: number
}

/** An instance's signed word that it enforces a bundle. Evidence, not proof. */
export interface AcknowledgementRow extends DocumentNumber {
  instance: string
  trustStatement: DocumentNumber
  /** Of the certificate whose key has signed. */
  serial: string
  at: number
  /** As it was signed. */
  document: Uint8Array
  /** When the last of its processes has said that it ends; undefined where one may run. */
  leftAt: number | undefined
}

export interface DeliveryRow {
  instance: string
  /** Of the certificate, the roots and the lists that were handed over, lowercase hex. */
  digest: string
  at: number
}

/** The first bundle that says something, and when it was issued, milliseconds since the epoch. */
export interface Announced extends DocumentNumber {
  at: number
}

/** The key that an instance's next certificate will be for. */
export interface NextKeyRow {
  instance: string
  /** SHA-256 of the DER SubjectPublicKeyInfo, lowercase hex. */
  spkiHash: string
  algorithm: KeyAlgorithm
  /** Bits; only of RSA keys. */
  keySize: number | null
  /** The first bundle that names it; undefined before there is one. */
  announced: Announced | undefined
}

export interface PinnedKey {
  service: string
  /** SHA-256 of the DER SubjectPublicKeyInfo, lowercase hex. */
  spkiHash: string
}

/** How the mesh pins keys now. */
export interface PinningRow {
  /** What the config said when it was last applied. */
  wanted: Strictness
  /** What the newest bundle says. */
  mode: Strictness
  /** The first bundle of those that name pins without a break, up to the newest; undefined with `off`. */
  since: Announced | undefined
  /** Until when nobody is refused for his key, because somebody said so (`mtls pins --suspend`); milliseconds since the epoch. */
  suspendedUntil: number | undefined
}

export type AttemptKind = 'issue' | 'reload'

export interface AttemptRow {
  kind: AttemptKind
  /** The instance. */
  subject: string
  /** How often it has failed in a row; 0 where it waits for peers, and has not waited long. */
  attempts: number
  nextTryAt: number
  /** It waits until peers know a key, and is tried before its time as soon as they do. */
  waits: boolean
  /** Why, for people. */
  error: string
}

export type CertificateState = 'intended' | 'issued' | 'revoked'

/**
 * `authority`: a leaf that the authority itself shows to peers on other hosts, or its console to operators; of no instance, and of
 * no member. `operator`: of a person who may come to that console; of no instance either. `probe`: a leaf that `mtls probe` shows
 * to be refused: revoked, ended, or not begun; of no instance, so that it is nobody's to serve with.
 */
export type CertificateProfile =
  | 'root'
  | 'cross'
  | 'issuing-ca'
  | 'ocsp-signer'
  | 'authority'
  | 'operator'
  | 'probe'
  | 'leaf'

export interface IntentRow {
  /** Lowercase hex. */
  serial: string
  profile: CertificateProfile
  /** The slot that signs. */
  slot: string
  spkiHash: string
  /** Of a leaf; absent for every other profile. */
  instance: string | undefined
  notBefore: number
  notAfter: number
  /** SHA-256 of the to-be-signed certificate, lowercase hex. */
  tbsHash: string
  /** What the certificate was asked to say (names, subject, key), as canonical JSON: `plan` compares it with the settings. */
  request: string
  intendedAt: number
}

export interface CertificateRow extends IntentRow {
  state: CertificateState
  /** DER, once issued; also when it was revoked since. */
  der: Uint8Array | undefined
  /** The slot of the log that has promised to hold it; undefined where none has. */
  log: string | undefined
}

/** RFC 5280 5.3.1, without certificateHold and removeFromCRL, which nothing here takes back. */
export const revocationReasons = [
  'unspecified',
  'key-compromise',
  'ca-compromise',
  'affiliation-changed',
  'superseded',
  'cessation-of-operation',
  'privilege-withdrawn',
  'aa-compromise',
] as const

export type RevocationReason = (typeof revocationReasons)[number]

export interface RevocationRow {
  /** Lowercase hex. */
  serial: string
  reason: RevocationReason
  at: number
}

export interface CompromisedKeyRow {
  /** SHA-256 of its SubjectPublicKeyInfo, lowercase hex. */
  spkiHash: string
  /** When it became known, milliseconds since the epoch. */
  at: number
}

/** Both bounds are left out themselves. */
export interface RevokedAfter {
  /** The number of a revocation; 0 for all. */
  readonly number: number
  /** A time by which a certificate has not ended, milliseconds since the epoch. */
  readonly time: number
  /** Of this CA alone. */
  readonly slot?: string
}

export interface RevokedCertificate extends RevocationRow {
  /** Revocations are numbered by the store, from 1, in the order of their recording; none is ever changed or removed. */
  number: number
  profile: CertificateProfile
  slot: string
  notAfter: number
}

/** What is known of a revocation list besides its octets. */
export interface ListHead {
  /** The CA that has signed it. */
  slot: string
  /** What it is about (`list-url.ts`): empty for all certificates of its CA. */
  scope: string
  /** `listNumber` of generation and counter: a restore goes on above what was used before. */
  number: number
  /** Milliseconds since the epoch, whole seconds. */
  thisUpdate: number
  nextUpdate: number
  /** `lastRevocationOf` the slot when it was made. */
  revocations: number
  /** Of a delta: the list about all certificates that it is the changes of. */
  base: Pick<ListHead, 'number' | 'nextUpdate' | 'revocations'> | undefined
}

export interface ListRow extends ListHead {
  /** As it was signed. */
  der: Uint8Array
}

export interface TrustStatementRow extends DocumentNumber {
  /** The signed document, as peers get it. */
  bytes: Uint8Array
}

export interface BundleRow extends DocumentNumber {
  /** The signed head, as peers get it. */
  head: Uint8Array
  issuedAt: number
  expiresAt: number
}

export interface PublishedBundleRow extends BundleRow {
  /** SHA-256, lowercase hex; their bytes by `section`. */
  sections: readonly string[]
}

/** What the audit tells of. */
export type Deed =
  | 'mesh-created'
  | 'ca-adopted'
  | 'key-created'
  | 'key-sealed'
  | 'key-used'
  | 'key-activated'
  | 'key-retired'
  | 'key-compromised'
  | 'roll-asked'
  | 'rotation-asked'
  | 'rotated-back'
  | 'revoked'
  | 'barred'
  | 'let-in'
  | 'list-published'
  | 'rotation-resumed'
  | 'transparency-changed'
  | 'config-changed'
  | 'intended'
  | 'issued'
  | 'renewed'
  | 'trust-statement-published'
  | 'bundle-published'
  | 'change-pinning'
  | 'pins-suspended'
  | 'pins-resumed'
  | 'next-key-discarded'
  | 'files-purged'
  | 'backed-up'
  | 'restored'
  | 'halted'
  | ServiceDeed

/** What an apply does to a service. */
export type ServiceDeed =
  | 'add-service'
  | 'rename-service'
  | 'remove-service'
  | 'change-names'
  | 'change-certificate'
  | 'change-lifetime'
  | 'change-callers'
  | 'change-tls'
  | 'change-place'

export interface AuditRow {
  number: number
  at: number
  /** On whose behalf: `up uid 0`, `revoke uid 1000 claimed` (`actorText`). */
  actor: string
  deed: Deed
  entry: Readonly<Record<string, unknown>>
}

/** An entry that the store has yet to number. */
export type NewAuditEntry = Omit<AuditRow, 'number'>

/** An entry as the store keeps it. */
export interface HashedRecord extends AuditRecord {
  /** `auditLeaf` of it, made when it was written; lowercase hex. */
  leaf: string
}

/** The tree of the audit when a bundle was published, as a section of that bundle says it to every peer. */
export interface AuditCheckpointRow extends DocumentNumber, TreeRoot {}
