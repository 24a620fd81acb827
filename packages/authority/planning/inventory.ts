import type { DocumentNumber, Strictness } from '@datapunk/protocol'
import type { RootKey } from '../keys/root-key-place.ts'
import type { DueList } from '../revoked/lists.ts'
import type { CertificateRequest, Settings } from '../services/settings.ts'
import type { AttemptRow, CertificateRow, InstanceRow, MeshRow, ServiceRow, SlotRow } from '../store/rows.ts'
import type { Late, Witnesses } from '../waiting/late.ts'

/** What *is*: the store's rows and what was seen on disk, taken at one moment, for `plan` to compare with the config. */
export interface Inventory {
  readonly mesh: MeshRow | undefined
  readonly slots: readonly SlotRow[]
  /** The name constraints of the active issuing CA, as `constraintsOf` gives them. */
  readonly issuingConstraints: string | undefined
  /** Of each slot that has a certificate, by its id. */
  readonly cas: ReadonlyMap<string, CaFacts>
  /**
   * The trust statement that first named what a slot that is prepared has now, its certificate or key, or a log that not everyone
   * has to know yet; times are milliseconds since the epoch.
   */
  readonly announced: ReadonlyMap<string, { readonly number: DocumentNumber; readonly issuedAt: number }>
  /** Whether the newest trust statement says what the slots say. */
  readonly trustStatementCurrent: boolean
  /** As `isTrustStatementAhead` says. */
  readonly trustStatementAhead: boolean
  /** The root slots that sign the next trust statement; none where there is nothing new to say. */
  readonly trustSigners: readonly string[]
  /** Whether the newest trust statement names the bundle key in use. */
  readonly bundleKeyTrusted: boolean
  /** With `authority.root.offline` those that may be away, by slot; otherwise none may be. */
  readonly rootKeys: ReadonlyMap<string, RootKey>
  /** Whether the root in use and the one that is prepared have signed each other's keys; true where none is prepared. */
  readonly rootsVouched: boolean
  /** The newest bundle. */
  readonly bundle: BundleFacts | undefined
  /** The hash of the key of the log that certificates go to; undefined where none is open. */
  readonly log: string | undefined
  /** The hashes of the keys of roots that it has said it takes chains to. */
  readonly logRoots: ReadonlySet<string>
  /** Revocation lists that have to be signed. */
  readonly dueLists: readonly DueList[]
  /** Whom a roll-over waits for. */
  readonly witnesses: Witnesses
  /** Members and removed ones, by name. */
  readonly services: ReadonlyMap<string, InventoryService>
  /** The slots that what the authority itself shows to peers on other hosts is good by; none where it shows nothing. */
  readonly authorityUnder: readonly string[]
  /** The certificates of operators, whatever CA they are under; none while neither an issuing CA nor a log retires. */
  readonly operatorTerms: readonly OperatorTerm[]
  /** What the config said of pinning when it was last applied; undefined before. */
  readonly pinning: Strictness | undefined
  /** Who holds up that keys which are not pinned are refused; undefined where nothing does. */
  readonly pinsLate: PinsLate | undefined
  /** Whether the published documents say what the inventory says, and lie on disk. */
  readonly published: boolean
}

export interface OperatorTerm {
  /** `operator alice`. */
  readonly operator: string
  readonly serial: string
  /** The slots of its issuing CA, and of its log. */
  readonly under: readonly string[]
  /** Milliseconds since the epoch. */
  readonly notAfter: number
}

export interface PinsLate {
  readonly late: readonly Late[]
  /** When it goes on whoever is late, milliseconds since the epoch; undefined before anybody was told. */
  readonly until: number | undefined
}

export interface CaFacts {
  /** The slot that has signed it; for a root itself. */
  readonly signer: string
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  /** What it may sign for, as `constraintsOf` gives it; undefined for a root. */
  readonly constraints: string | undefined
  /** Its certificate is on record as revoked. */
  readonly revoked: boolean
}

export interface BundleFacts {
  readonly number: DocumentNumber
  readonly trustStatement: DocumentNumber
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  readonly expiresAt: number
}

export interface InventoryService {
  readonly row: ServiceRow
  /** The row's settings, read. */
  readonly settings: Settings
  readonly instances: readonly InventoryInstance[]
}

export interface InventoryInstance {
  readonly row: InstanceRow
  /** Its newest certificate. */
  readonly current: CertificateRow | undefined
  /** What that certificate was asked to say, read. */
  readonly request: CertificateRequest | undefined
  /** The serial of the pair that was found whole on disk. */
  readonly pair: string | undefined
  /** Why its last try to be issued a certificate failed, and when the next one is. */
  readonly failed: AttemptRow | undefined
  /** Whether its next key is made, of the kind that the settings want, and on disk. */
  readonly nextKey: boolean
  /** Whether `cert` and `key` of the settings lead to that pair; true where the key lives elsewhere. */
  readonly linked: boolean
}
