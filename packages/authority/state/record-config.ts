import { isDeepStrictEqual } from 'node:util'
import { type Address, addressText, type Config } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { keptPer } from '../store/kept-answer.ts'

/** By the words of the config file. JSON, and no secrets. */
type MeshSettings = Readonly<Record<string, unknown>>

/**
 * Puts on record what the config says of the mesh as a whole, where that is another than what it said last. It is in force already,
 * as nobody is asked for it. What an inventory of before this was recorded begins with is no change.
 */
export async function recordConfig({ store, config, clock, actor }: Engine): Promise<void> {
  const settings = meshSettingsText(config)
  const before = store.mesh()?.settings
  if (settings === before) return
  await store.write((transaction) => {
    transaction.changeMesh({ settings })
    if (before === undefined) return
    const changes = differenceOf(JSON.parse(before), JSON.parse(settings))
    transaction.addAudit({ at: clock(), actor, deed: 'config-changed', entry: { changes } })
  })
}

/** Equal settings give equal text. What services have of it is in theirs, and pinning has deeds of its own. */
export function meshSettingsText(config: Config): string {
  return textPer(config).of([], () => encodeSettings(config))
}

const textPer = keptPer<string>()

function encodeSettings(config: Config): string {
  const { authority, rotation, revocation, transparency, paths, operators } = config
  const { state: _, metricsServices, listen, http, metrics, console, ...rest } = authority
  const { renewAt: __, keepPrevious, ...pace } = rotation
  const settings = flat({
    authority: {
      ...{ ...rest, clockSkew: secondsText(rest.clockSkew) },
      ...{ listen: textOf(listen), http: textOf(http), metrics: textOf(metrics), console: textOf(console) },
      metricsServices: Number.isFinite(metricsServices) ? metricsServices : 'all',
    },
    rotation: { ...pace, keepPrevious: secondsText(keepPrevious) },
    ...{ revocation, transparency, paths },
  })
  const named = [...operators.values()].map(({ operator, readOnly, validityDays }) => [
    `operators.${operator}`,
    { read_only: readOnly, validity_days: validityDays },
  ])
  return JSON.stringify(Object.fromEntries([...settings, ...named].sort(([a], [b]) => (a < b ? -1 : 1))))
}

function flat(settings: object, above = ''): [path: string, value: unknown][] {
  return Object.entries(settings).flatMap(([name, value]) => {
    const path = above + name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isGroup ? flat(value, `${path}.`) : [[path, value ?? null]]
  })
}

function textOf(address: Address | undefined): string | null {
  return address === undefined ? null : addressText(address.host, address.port ?? 0)
}

function secondsText(milliseconds: number): string {
  return `${milliseconds / 1000}s`
}

function differenceOf(before: MeshSettings, after: MeshSettings) {
  const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return Object.fromEntries(
    paths.flatMap((path) => {
      const [from, to] = [before[path] ?? null, after[path] ?? null]
      return isDeepStrictEqual(from, to) ? [] : [[path, { from, to }]]
    }),
  )
}
