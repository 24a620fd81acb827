import type { CertificateRequest, Settings } from './settings.ts'
import type { CertificateRow, InstanceRow, MeshRow, ServiceRow, SlotRow } from './store/contract.ts'

/** What *is*: the store's rows and what was seen on disk, taken at one moment, for `plan` to compare with the config. */
export interface Inventory {
  readonly mesh: MeshRow | undefined
  readonly slots: readonly SlotRow[]
  /** The name constraints of the active issuing CA, as `constraintsOf` gives them. */
  readonly issuingConstraints: string | undefined
  /** Whether the newest trust statement says what the slots say. */
  readonly trustStatementCurrent: boolean
  /** Members and removed ones, by name. */
  readonly services: ReadonlyMap<string, InventoryService>
  /** Whether the published documents say what the inventory says, and lie on disk. */
  readonly published: boolean
  /** When the newest bundle head was signed, milliseconds since the epoch. */
  readonly bundleIssuedAt: number | undefined
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
  /** Whether `cert` and `key` of the settings lead to that pair; true where the key lives elsewhere. */
  readonly linked: boolean
}
