import { type Settings, sameValue } from '../services/settings.ts'
import type { ServiceDeed } from '../store/rows.ts'

/** One kind of change between the settings applied and those wanted. */
export interface ServiceChange {
  readonly kind: ServiceDeed
  readonly safety: Safety
  /** The settings that change, and to what. */
  readonly settings: Partial<Settings>
  /** For people: what changes into what. */
  readonly reason: string
}

/** What changes between the settings applied and those wanted, by kind. */
export function serviceChanges(applied: Settings, wanted: Settings): ServiceChange[] {
  return CHANGES.flatMap(({ kind, fields, safety }) => {
    const changed = fields.filter((field) => !sameValue(applied[field], wanted[field]))
    if (changed.length === 0) return []
    const settings = Object.fromEntries(changed.map((field) => [field, wanted[field]]))
    const reason = changed
      .map((field) => `${field}: ${show(applied[field])} → ${show(wanted[field])}`)
      .join(', ')
    return [{ kind, safety: safety(applied, wanted), settings, reason }]
  })
}

interface Change {
  readonly kind: ServiceDeed
  readonly fields: readonly (keyof Settings)[]
  readonly safety: (applied: Settings, wanted: Settings) => Safety
}

const always =
  (safety: Safety): Change['safety'] =>
  () =>
    safety

const CHANGES: readonly Change[] = [
  {
    kind: 'change-names',
    fields: ['commonName', 'dnsNames', 'ipAddresses'],
    safety: (applied, wanted) =>
      includesAll(wanted.dnsNames, applied.dnsNames) && includesAll(wanted.ipAddresses, applied.ipAddresses)
        ? 'safe'
        : 'destructive',
  },
  {
    kind: 'change-certificate',
    fields: ['organization', 'country', 'keyAlgorithm', 'keySize', 'mustStaple'],
    safety: (applied, wanted) =>
      wanted.keyAlgorithm === 'rsa' && applied.keyAlgorithm === 'rsa' && wanted.keySize < applied.keySize
        ? 'destructive'
        : 'safe',
  },
  { kind: 'change-lifetime', fields: ['validityDays', 'renewAt'], safety: always('safe') },
  {
    kind: 'change-callers',
    fields: ['allow'],
    safety: (applied, wanted) =>
      applied.allow === 'members' || (wanted.allow !== 'members' && includesAll(applied.allow, wanted.allow))
        ? 'safe'
        : 'destructive',
  },
  {
    kind: 'change-tls',
    fields: ['minTls'],
    safety: (_, wanted) => (wanted.minTls === '1.2' ? 'destructive' : 'safe'),
  },
  {
    kind: 'change-place',
    fields: ['address', 'listen', 'cert', 'key', 'owner', 'group', 'mode'],
    safety: always('safe'),
  },
]

function includesAll(values: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((value) => values.includes(value))
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/**
 * Safe actions add, renew and publish. Destructive ones take something away or let somebody in: they remove or rename a
 * service, widen who may call, or lower a requirement; they are never done without being asked for.
 */
export type Safety = 'safe' | 'destructive'
