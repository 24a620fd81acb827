import { parseCertificate } from '@datapunk/pki'
import { formatDocumentNumber } from '@datapunk/protocol'
import type { InventoryService } from './inventory.ts'
import { type Observed, takeInventory } from './observe.ts'
import { renewalDue } from './plan.ts'
import type { CertificateRow, SlotRow } from './store/contract.ts'

/** The state of the mesh at a glance. Times are milliseconds since the epoch. */
export interface Status {
  readonly trustDomain: string
  /** Absent before the first apply. */
  readonly meshId: string | undefined
  readonly environment: string | undefined
  readonly bundle: string | undefined
  readonly bundleExpiresAt: number | undefined
  /** The passphrase lies beside the keys it protects, or they are stored in clear. */
  readonly keysUnprotected: boolean
  readonly cas: readonly CaStatus[]
  readonly services: readonly InstanceStatus[]
  /** How long the mesh goes on if the authority does nothing from now on; absent without certificates. */
  readonly outageBudget: number | undefined
}

export interface CaStatus {
  readonly slot: string
  readonly kind: SlotRow['kind']
  readonly state: SlotRow['state']
  readonly subject: string
  readonly serial: string
  readonly notAfter: number
}

export interface InstanceStatus {
  readonly service: string
  readonly instance: string
  readonly place: 'here' | 'elsewhere'
  readonly names: readonly string[]
  readonly serial: string | undefined
  readonly notBefore: number | undefined
  readonly notAfter: number | undefined
  readonly renewalDue: number | undefined
  /** Of the pair that the paths in the config lead to: `current` is the one recorded last. */
  readonly pair: 'current' | 'other' | 'missing' | 'elsewhere'
}

export function statusOf(engine: Observed): Status {
  const { config, store, clock, disk, layout } = engine
  const inventory = takeInventory(engine)
  const mesh = store.mesh()
  const bundle = store.bundle()
  const services = [...inventory.services.values()].flatMap((one) =>
    instanceStatus(one, config.rotation.jitter),
  )
  const ends = services.flatMap(({ notAfter }) => (notAfter === undefined ? [] : [notAfter]))
  return {
    trustDomain: mesh?.trustDomain ?? config.trustDomain,
    meshId: mesh?.meshId,
    environment: config.environment,
    bundle: bundle && formatDocumentNumber(bundle),
    bundleExpiresAt: bundle?.expiresAt,
    keysUnprotected:
      config.authority.storeCaKeysInClear || disk.kindOf(layout.authority.passphrase) !== undefined,
    cas: inventory.slots.flatMap(caStatus),
    services,
    outageBudget:
      ends.length === 0 ? undefined : Math.max(0, ends.reduce((a, b) => Math.min(a, b)) - clock()),
  }
}

function instanceStatus({ row, settings, instances }: InventoryService, jitter: number): InstanceStatus[] {
  if (row.state !== 'member') return []
  return instances.map(({ row: { id, place }, current, pair, linked }) => ({
    service: row.service,
    instance: id,
    place,
    names: settings.dnsNames,
    serial: current?.serial,
    notBefore: current?.notBefore,
    notAfter: current?.notAfter,
    renewalDue: current && renewalDue(current, settings.renewAt, jitter),
    pair: place === 'elsewhere' ? 'elsewhere' : pairState(current, linked ? pair : undefined),
  }))
}

function pairState(current: CertificateRow | undefined, found: string | undefined): InstanceStatus['pair'] {
  if (found === undefined) return 'missing'
  return found === current?.serial ? 'current' : 'other'
}

function caStatus({ id, kind, state, certificate }: SlotRow): CaStatus[] {
  if (certificate === undefined) return []
  const { subject, serial, notAfter } = parseCertificate(certificate)
  return [{ slot: id, kind, state, subject: subject.toString(), serial, notAfter }]
}
