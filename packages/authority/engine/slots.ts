import type { Certificate } from '@datapunk/pki'
import type { CaConfig } from '@datapunk/protocol'
import type { SlotKind, SlotRow } from '../store/rows.ts'
import { caCertificate } from './ca-certificate.ts'
import type { Engine } from './engine.ts'

/** The one of this kind that signs now; undefined where none does. */
export function slotInUse(slots: readonly SlotRow[], kind: SlotKind): SlotRow | undefined {
  return slots.find((slot) => slot.kind === kind && slot.state === 'active')
}

export function activeSlot({ store }: Pick<Engine, 'store'>, kind: SlotKind): SlotRow {
  const slot = slotInUse(store.slots(), kind)
  if (slot === undefined) throw new TypeError(`the mesh has no active ${kind}`)
  return slot
}

/** Nobody goes by it any more. */
export function isGone({ state }: Pick<SlotRow, 'state'>): boolean {
  return state === 'retired' || state === 'compromised'
}

/** @param ids what a certificate stands on, as `slotsAbove` says */
export function isAnyGone(ids: readonly string[], slots: readonly SlotRow[]): boolean {
  return slots.some((slot) => isGone(slot) && ids.includes(slot.id))
}

export function certificateOf(slot: SlotRow): Certificate {
  if (slot.certificate === undefined) throw new TypeError(`${slot.id} has no certificate`)
  return caCertificate(slot.certificate)
}

/** The slot of this kind (the first one, or `id` where that is given), with its key on disk. */
export async function ensureKey(
  { store, keys, clock, actor }: Engine,
  kind: SlotKind,
  { algorithm }: Pick<CaConfig, 'algorithm'>,
  id?: string,
): Promise<SlotRow> {
  const known = store.slots().find((slot) => (id === undefined ? slot.kind === kind : slot.id === id))
  if (known !== undefined) return known
  const slotId = id ?? `${kind}-1`
  const { spki, spkiHash } = await keys.ensure({ id: slotId, kind }, algorithm)
  const at = clock()
  const slot: SlotRow = {
    id: slotId,
    kind,
    state: 'prepared',
    algorithm,
    spkiHash,
    spki,
    certificate: undefined,
    since: at,
    leftOut: [],
  }
  await store.write((transaction) => {
    transaction.putSlot(slot)
    transaction.addAudit({ at, actor, deed: 'key-created', entry: { slot: slotId, algorithm, spkiHash } })
  })
  return slot
}

/** The one that is prepared already, or a new one. */
export function nextSlotId(engine: Engine, kind: SlotKind): string {
  const prepared = engine.store.slots().find((slot) => slot.kind === kind && slot.state === 'prepared')
  return prepared?.id ?? newSlotId(engine, kind)
}

export function newSlotId({ store }: Engine, kind: SlotKind): string {
  return freeSlotId(store.slots(), kind)
}

/** Never that of a key that was there before, prepared ones included: a backup has those too. */
export function freeSlotId(slots: readonly SlotRow[], kind: SlotKind): string {
  const numbers = slots
    .filter((slot) => slot.kind === kind)
    .map(({ id }) => Number(id.slice(kind.length + 1)))
  return `${kind}-${Math.max(0, ...numbers) + 1}`
}
