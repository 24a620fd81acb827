import { formatDocumentNumber } from '@datapunk/protocol'
import { SETTLE_TIME } from '../delivery/deliver.ts'
import { caCertificate } from '../engine/ca-certificate.ts'
import type { Engine } from '../engine/engine.ts'
import { isHeld } from '../planning/held.ts'
import { rollTime } from '../planning/lifetimes.ts'
import { bundleDue, renewalDue } from '../planning/plan.ts'
import { LOG } from '../planning/roll-plan.ts'
import type { RollWait } from '../planning/roll-step.ts'
import { listedCas } from '../revoked/listed-cas.ts'
import { renewalOf } from '../revoked/lists.ts'
import { decodeSettings } from '../services/settings.ts'
import type { SlotRow } from '../store/rows.ts'
import { longestMemory } from '../waiting/longest-memory.ts'

/** A log that is waited for is asked again after this, milliseconds. */
const ASK_LOG = 30_000

type Known = Pick<Engine, 'store' | 'config' | 'peers' | 'clock' | 'ownPair'>

/**
 * When something is due next, as far as the store knows: until then nobody needs to look. Files that are lost, and a config
 * that is written, are for others to notice. What was due before now has been done, or is tried again at its own time.
 *
 * @param waits of roll-overs: each goes on at a certain time, should nobody be heard of before
 * @returns milliseconds since the epoch; infinity where nothing will ever be due
 */
export function nextDue(known: Known, waits: readonly RollWait[]): number {
  const { store, config, peers, clock, ownPair } = known
  const now = clock()
  let next = Number.POSITIVE_INFINITY
  const at = (time: number | undefined) => {
    if (time !== undefined && time > now && time < next) next = time
  }
  at(ownPair.dueAt)
  const bundle = store.bundle()
  if (bundle !== undefined) at(bundleDue(config, bundle.issuedAt))
  for (const slot of store.slots()) at(rollTimeOf(slot, known))
  for (const ca of listedCas(store)) for (const list of ca.lists.values()) at(renewalOf(ca, list))
  // A wait is over after the moment that it names, and for whoever fell silent when his bundle has ended.
  for (const { until } of waits) at(until === undefined ? undefined : until + 1)
  // Nobody tells when the log has read the trust statement.
  if (waits.some(({ late }) => late.some(({ instance }) => instance === LOG))) at(now + ASK_LOG)
  if (waits.length > 0) {
    at(peers.completeAt)
    const memory = longestMemory(config, store.mesh())
    for (const row of store.acknowledgements()) at(memory(row.at))
    for (const row of store.deliveries()) at(row.at + SETTLE_TIME)
  }
  at(store.pinning()?.suspendedUntil)
  for (const { nextTryAt } of store.attempts()) at(nextTryAt)
  for (const time of instanceTimes(known)) at(time)
  return next
}

/** What the authority itself has to do, besides renewing the certificates of instances. */
export interface Upcoming {
  /** `signature`: a bundle or list is signed anew; `roll-over`: of a key begins. */
  readonly kind: 'signature' | 'roll-over'
  /** `bundle 1.42`, `list of issuing-ca-1`, or a slot. */
  readonly subject: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

export function upcoming(known: Pick<Known, 'store' | 'config'>): Upcoming[] {
  const { store, config } = known
  const found: Upcoming[] = []
  const bundle = store.bundle()
  if (bundle !== undefined) {
    const subject = `bundle ${formatDocumentNumber(bundle)}`
    found.push({ kind: 'signature', subject, at: bundleDue(config, bundle.issuedAt) })
  }
  for (const ca of listedCas(store)) {
    const at = ca.list && renewalOf(ca, ca.list)
    if (at !== undefined && Number.isFinite(at))
      found.push({ kind: 'signature', subject: `list of ${ca.slot.id}`, at })
  }
  for (const slot of store.slots()) {
    const at = slot.kind === 'log' ? undefined : rollTimeOf(slot, known)
    if (at !== undefined) found.push({ kind: 'roll-over', subject: slot.id, at })
  }
  return found
}

function rollTimeOf(slot: SlotRow, { config }: Pick<Known, 'config'>): number | undefined {
  return rollTime(slot, slot.certificate && caCertificate(slot.certificate), config)
}

/** Of each instance whose key lives here: when it is renewed, or, where that is held, ends. */
function* instanceTimes({ store, config }: Known): Iterable<number> {
  const members = new Map(
    store.services().flatMap((row) => (row.state === 'member' ? [[row.service, row]] : [])),
  )
  const current = new Map(store.currentCertificates().map((row) => [row.instance, row]))
  for (const { id, service, place, held } of store.instances()) {
    const row = members.get(service)
    const certificate = current.get(id)
    if (row === undefined || certificate === undefined || place !== 'here') continue
    const { renewAt } = decodeSettings(row.settings)
    yield isHeld({ held }, certificate)
      ? certificate.notAfter
      : renewalDue(certificate, renewAt, config.rotation.jitter)
  }
}
