import type { Reader } from '../store/contract.ts'
import type {
  CertificateRow,
  InstanceRow,
  NextKeyRow,
  PinnedKey,
  RevocationRow,
  ServiceRow,
} from '../store/rows.ts'
import { decodeRequest, decodeSettings, type Settings } from './settings.ts'

/** What is on record of a service. */
export interface ServiceRecord {
  readonly service: ServiceRow
  readonly instances: readonly InstanceRow[]
  /** Who may call it. */
  readonly callers: Settings['allow']
  /** The newest of each instance first, at most `MAX_CERTIFICATES` of each. */
  readonly certificates: readonly RecordedCertificate[]
  /** Keys that peers accept of it. */
  readonly pins: readonly PinnedKey[]
  readonly nextKeys: readonly NextKeyRow[]
}

export interface RecordedCertificate {
  readonly row: CertificateRow
  /** Whether it is the one in use. */
  readonly isCurrent: boolean
  readonly revocation: RevocationRow | undefined
}

/** Of an instance: a life of twenty years, renewed every half. */
const MAX_CERTIFICATES = 40

/** @returns undefined where no service was ever called so */
export function serviceRecord(store: Reader, name: string, now: number): ServiceRecord | undefined {
  const service = store.services().find((row) => row.service === name)
  if (service === undefined) return undefined
  const instances = store.instances().filter((row) => row.service === name)
  const ids = new Set(instances.map(({ id }) => id))
  const current = new Set(store.currentCertificates().map(({ serial }) => serial))
  return {
    service,
    instances,
    callers: decodeSettings(service.settings).allow,
    certificates: instances
      .flatMap(({ id }) => store.certificatesOf(id, MAX_CERTIFICATES))
      .map((row) => ({
        row,
        isCurrent: current.has(row.serial),
        revocation: store.revocation(row.serial),
      })),
    pins: store.pinnedKeys(now).filter((pin) => pin.service === name),
    nextKeys: store.nextKeys().filter(({ instance }) => ids.has(instance)),
  }
}

/** A revocation, and whose certificate it was about. */
export interface RecentRevocation extends RevocationRow {
  readonly number: number
  /** `operator alice` for one who is no service; undefined: of the authority itself. */
  readonly service: string | undefined
}

/** The last revocations, the newest first. */
export function recentRevocations(store: Reader, limit: number): readonly RecentRevocation[] {
  const last = Math.max(0, ...store.slots().map(({ id }) => store.lastRevocationOf(id)))
  const owners = new Map(store.instances().map(({ id, service }) => [id, service]))
  return [...store.revoked({ number: Math.max(0, last - limit), time: 0 })]
    .map(({ number, serial, reason, at }) => ({ number, serial, reason, at }))
    .map((row) => ({ ...row, service: ownerOf(store.certificate(row.serial)!, owners) }))
    .reverse()
}

function ownerOf(row: CertificateRow, owners: ReadonlyMap<string, string>): string | undefined {
  const operator = operatorOf(row)
  return operator === undefined ? owners.get(row.instance ?? '') : operatorLabel(operator)
}

/** As whoever is no instance is called beside those that are. */
export function operatorLabel(name: string): string {
  return `operator ${name}`
}

/** Whose certificate it is; undefined: no operator's. */
export function operatorOf({
  profile,
  request,
}: Pick<CertificateRow, 'profile' | 'request'>): string | undefined {
  return profile === 'operator' ? decodeRequest(request).commonName : undefined
}
