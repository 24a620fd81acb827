import type { CertificateRow, InstanceRow, MeshRow, ServiceRow, SlotRow } from './store/contract.ts'

/** What *is*: the store's rows and what was seen on disk, taken at one moment, for `plan` to compare with the config. */
export interface Inventory {
  readonly mesh: MeshRow | undefined
  readonly slots: readonly SlotRow[]
  /** The name constraints of the active issuing CA, as `constraintsOf` gives them. */
  readonly issuingConstraints: string | undefined
  /** Whether the newest trust statement says what the slots say. */
  readonly trustStatementCurrent: boolean
  readonly services: ReadonlyMap<string, ServiceRow>
  readonly instances: readonly InstanceRow[]
  /** By instance: its newest certificate. */
  readonly current: ReadonlyMap<string, CertificateRow>
  /** By instance: the serial of the pair that was found whole on disk. */
  readonly pairs: ReadonlyMap<string, string>
  /** Whether the published documents say what the inventory says, and lie on disk. */
  readonly published: boolean
  /** When the newest bundle head was signed, milliseconds since the epoch. */
  readonly bundleIssuedAt: number | undefined
}
