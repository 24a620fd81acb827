import { parseCertificate } from '@datapunk/pki'
import type { Engine } from './engine.ts'
import { bundleDue, renewalDue } from './plan.ts'
import { BUNDLE_KEY_LIFE, longestLeaf, type RollWait, rollDue } from './rollover/roll-plan.ts'
import { decodeSettings } from './settings.ts'
import type { SlotRow } from './store/contract.ts'

type Known = Pick<Engine, 'store' | 'config' | 'peers' | 'ownPair'>

/**
 * When something is due next, as far as the store knows: until then nobody needs to look. Files that are lost, and a config
 * that is written, are for others to notice.
 *
 * @param waits of roll-overs: each goes on at a certain time, should nobody be heard of before
 * @returns milliseconds since the epoch; infinity where nothing will ever be due
 */
export function nextDue(known: Known, waits: readonly RollWait[]): number {
  const { store, config, peers, ownPair } = known
  const bundle = store.bundle()
  let next = bundle === undefined ? Number.POSITIVE_INFINITY : bundleDue(config, bundle.issuedAt)
  const at = (time: number | undefined) => {
    if (time !== undefined && time < next) next = time
  }
  at(ownPair.dueAt)
  for (const slot of store.slots()) at(rollTime(slot, known))
  for (const { until } of waits) at(until)
  if (waits.length > 0 && !peers.isComplete) at(peers.completeAt)
  for (const time of instanceTimes(known)) at(time)
  return next
}

function rollTime({ kind, state, since, certificate }: SlotRow, { config }: Known): number | undefined {
  if (state !== 'active') return undefined
  if (kind === 'bundle-key') return since + BUNDLE_KEY_LIFE
  if (certificate === undefined) return undefined
  const child = kind === 'root' ? config.authority.issuing.years * 365 * 86_400_000 : longestLeaf(config)
  return rollDue(parseCertificate(certificate), child)
}

/** Of each instance whose key lives here: when it fails no more, is renewed, or ends. */
function* instanceTimes({ store, config }: Known): Iterable<number> {
  const members = new Map(
    store.services().flatMap((row) => (row.state === 'member' ? [[row.service, row]] : [])),
  )
  const current = new Map(store.currentCertificates().map((row) => [row.instance, row]))
  const tries = new Map(store.attempts().map((row) => [`${row.kind} ${row.subject}`, row.nextTryAt]))
  for (const { id, service, place, held } of store.instances()) {
    const row = members.get(service)
    if (row === undefined || place !== 'here') continue
    const reload = tries.get(`reload ${id}`)
    if (reload !== undefined) yield reload
    const retry = tries.get(`issue ${id}`)
    const certificate = current.get(id)
    if (retry !== undefined) yield retry
    else if (certificate !== undefined) {
      const { renewAt } = decodeSettings(row.settings)
      yield held ? certificate.notAfter : renewalDue(certificate, renewAt, config.rotation.jitter)
    }
  }
}
