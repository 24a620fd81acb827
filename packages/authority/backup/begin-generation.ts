import { type Certificate, keyAlgorithmOf } from '@datapunk/pki'
import { keyIdOf, type TrustedLog, type TrustStatement } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { freeSlotId, isGone } from '../engine/slots.ts'
import type { NextGeneration } from '../events/next-generation.ts'
import type { PublishedAhead } from '../state/published-ahead.ts'
import type { Transaction } from '../store/contract.ts'
import type { SlotRow } from '../store/rows.ts'
import { rootKeysMissing } from '../trust/root-keys.ts'
import { type RevokedAhead, revokeAgain } from './revoked-ahead.ts'

export interface NextGenerationOptions {
  /** What was published since, as far as the files prove it. */
  readonly ahead: PublishedAhead
  readonly revoked: RevokedAhead
  /** The highest generation that anything else has shown. */
  readonly seen: number
  /** When the backup was made that this inventory comes from; undefined where it comes from none. */
  readonly backedUpAt: number | undefined
  /** For the audit: why. */
  readonly entry: Readonly<Record<string, unknown>>
}

type Continuing = Pick<Engine, 'config' | 'store' | 'keys' | 'clock' | 'actor'>

/**
 * Makes an inventory that may not be the newest of its mesh one that may act: under a higher generation no number is used
 * twice, and under a new bundle key nothing that the old one may have signed since, wherever it is now, is believed.
 *
 * The new key signs at once, without waiting for peers to know it: they learn it from the next trust statement, which comes
 * before the first bundle it signs.
 */
export async function beginGeneration(
  continuing: Continuing,
  { ahead, revoked, seen, backedUpAt, entry }: NextGenerationOptions,
): Promise<NextGeneration> {
  const { store, keys, clock, actor } = continuing
  const generation = Math.max(seen, ahead.generation) + 1
  // 1 The key is on disk before it is on record.
  const id = freeSlotId(store.slots(), 'bundle-key')
  const { algorithm, spki, spkiHash } = await keys.ensure({ id, kind: 'bundle-key' }, 'ecdsa-p256')
  // 2 All of it at once.
  const at = clock()
  await store.write((transaction) => {
    const audit = (deed: 'key-created' | 'key-activated' | 'key-retired' | 'restored', what: object) =>
      transaction.addAudit({ at, actor, deed, entry: { ...what } })
    transaction.changeMesh({ generation, halted: undefined, ...(backedUpAt && { backedUpAt }) })
    audit('restored', { ...entry, generation })
    // What was issued since is not on record, and peers may show it.
    const pinning = transaction.pinning()
    if (pinning !== undefined) transaction.putPinning({ ...pinning, mode: 'report', since: undefined })
    for (const { number, bytes } of ahead.statements) transaction.addTrustStatement({ ...number, bytes })
    leaveOut(transaction, ahead.statements.at(-1), { at, audit: (slot) => audit('key-retired', { slot }) })
    for (const slot of lostIssuingCas(transaction, ahead.statements.at(-1)?.issuingCas ?? [], at)) {
      transaction.putSlot(slot)
      audit('key-retired', { slot: slot.id, spkiHash: slot.spkiHash, lost: true })
    }
    // Who has left may have come again since.
    for (const row of transaction.acknowledgements())
      if (row.leftAt !== undefined) transaction.putAcknowledgement({ ...row, leftAt: undefined })
    revokeAgain(transaction, revoked, { at, actor })
    for (const slot of lostLogs(transaction, ahead.statements.at(-1)?.logs ?? [], at))
      transaction.putSlot(slot)
    for (const slot of transaction.slots()) {
      // A log that others have seen further than it is here would contradict itself: another begins.
      if (slot.kind === 'log' && (slot.state === 'active' || slot.state === 'prepared'))
        transaction.putSlot({ ...slot, state: 'retiring', since: at })
      if (slot.kind !== 'bundle-key' || isGone(slot)) continue
      transaction.putSlot({ ...slot, state: 'retired', since: at })
      audit('key-retired', { slot: slot.id })
    }
    const kind = 'bundle-key'
    const certificate = undefined
    transaction.putSlot({
      id,
      kind,
      state: 'active',
      algorithm,
      spkiHash,
      spki,
      certificate,
      since: at,
      leftOut: [],
    })
    audit('key-created', { slot: id, algorithm, spkiHash })
    audit('key-activated', { slot: id })
  })
  const barred = revoked.barred.map(({ service }) => service).sort()
  return { generation, bundleKey: id, rootKeys: rootKeysMissing(continuing), barred }
}

/**
 * What is on record as in use, and is in the newest statement no more, was retired since, or stolen: it is not brought back. A
 * root that is left takes the place of the one in use; an issuing CA is made anew by the `apply` that follows.
 */
function leaveOut(
  transaction: Transaction,
  newest: TrustStatement | undefined,
  { at, audit }: { readonly at: number; readonly audit: (slot: string) => void },
): void {
  if (newest === undefined) return
  const named = new Set(
    [...newest.roots, ...newest.issuingCas, ...newest.logs].map(({ spki }) => keyIdOf(spki)),
  )
  for (const slot of transaction.slots()) {
    const { id, kind, spkiHash } = slot
    if (kind === 'bundle-key' || isGone(slot) || named.has(spkiHash)) continue
    transaction.putSlot({ ...slot, state: 'retired', since: at })
    audit(id)
  }
  const roots = transaction.slots().filter(({ kind, spkiHash }) => kind === 'root' && named.has(spkiHash))
  const [root] = roots
  if (root !== undefined && roots.every(({ state }) => state !== 'active'))
    transaction.putSlot({ ...root, state: 'active', since: at })
}

/**
 * Issuing CAs that peers trust and whose keys are not here. They retire: what they have signed is good until it is replaced.
 */
function lostIssuingCas(
  transaction: Transaction,
  trusted: readonly Certificate[],
  at: number,
): readonly SlotRow[] {
  const slots = [...transaction.slots()]
  return trusted.flatMap(({ spki, der }): SlotRow[] => {
    const spkiHash = keyIdOf(spki)
    if (slots.some((slot) => slot.spkiHash === spkiHash)) return []
    const { algorithm } = keyAlgorithmOf(spki)
    const id = freeSlotId(slots, 'issuing-ca')
    const lost = {
      id,
      kind: 'issuing-ca',
      state: 'retiring',
      algorithm,
      spkiHash,
      spki,
      certificate: der,
    } as const
    const row: SlotRow = { ...lost, since: at, leftOut: [] }
    slots.push(row)
    return [row]
  })
}

/** Logs that peers trust and that are not on record. What they hold is good until it has ended. */
function lostLogs(transaction: Transaction, trusted: readonly TrustedLog[], at: number): readonly SlotRow[] {
  const slots = [...transaction.slots()]
  return trusted.flatMap(({ spki, origin }): SlotRow[] => {
    const spkiHash = keyIdOf(spki)
    if (slots.some((slot) => slot.spkiHash === spkiHash)) return []
    const row: SlotRow = {
      ...{ id: freeSlotId(slots, 'log'), kind: 'log', state: 'retiring', algorithm: 'ecdsa-p256' },
      ...{ spkiHash, spki, origin, certificate: undefined, since: at, leftOut: [] },
    }
    slots.push(row)
    return [row]
  })
}
