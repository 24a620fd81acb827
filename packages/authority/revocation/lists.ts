import { encodePem, encodeRevokedEntry, signCrl } from '@datapunk/pki'
import type { Config } from '@datapunk/protocol'
import { caCertificate } from '../ca-certificate.ts'
import type { Engine } from '../engine.ts'
import { isAwayRoot } from '../keys/root-keys.ts'
import type { ListRow, Reader, SlotRow } from '../store/contract.ts'
import { PKI_REASONS } from './pki-reasons.ts'

const DAY = 24 * 60 * 60 * 1000

/** A root may be away for months, and revokes CAs only, which peers and their trust statement know sooner. Days. */
const ROOT_LIST_DAYS = 365

/** Of its life; long before its end, whoever reads it has the next one. */
const RENEWED_AT = 0.5

/** Counters of one generation. */
const GENERATION = 2 ** 32

/** A list that has to be signed, and why. */
export interface DueList {
  /** The CA whose list it is. */
  readonly slot: string
  readonly kind: SlotRow['kind']
  readonly reason: string
  /** When the list before it ends, milliseconds since the epoch; undefined where there is none. */
  readonly until: number | undefined
}

/** CAs whose certificates somebody may still believe, each with its newest list. */
export function listedCas(store: Reader): { slot: SlotRow; list: ListRow | undefined }[] {
  const lists = new Map(store.lists().map((row) => [`${row.slot} ${row.scope}`, row]))
  return store.slots().flatMap((slot) => {
    const isCa = slot.kind !== 'bundle-key' && slot.certificate !== undefined
    const isTrusted = slot.state !== 'retired' && slot.state !== 'compromised'
    return isCa && isTrusted ? [{ slot, list: lists.get(`${slot.id} `) }] : []
  })
}

/** Lists that don't name what is revoked, and those that are old. */
export function dueLists({ store, clock, keys }: Pick<Engine, 'store' | 'clock' | 'keys'>): DueList[] {
  const now = clock()
  return listedCas(store).flatMap(({ slot, list }) => {
    // One that was lost with a newer inventory retires, and nobody here can sign for it.
    if (slot.state === 'retiring' && slot.kind === 'issuing-ca' && !keys.has(slot)) return []
    const { id, kind } = slot
    const due = (reason: string) => [{ slot: id, kind, reason, until: list?.nextUpdate }]
    if (list === undefined) return due(`${id} has no revocation list yet`)
    if (list.revocations !== store.revocationsOf(id)) return due(`the list of ${id} lacks what was revoked`)
    if (now < renewalOf(list)) return []
    return due(`the list of ${id} is of ${new Date(list.thisUpdate).toISOString()}`)
  })
}

/** When the next list is to be made, should nothing be revoked; milliseconds since the epoch. */
export function renewalOf({ thisUpdate, nextUpdate }: Pick<ListRow, 'thisUpdate' | 'nextUpdate'>): number {
  return thisUpdate + RENEWED_AT * (nextUpdate - thisUpdate)
}

/** Signs and records the lists that are due, but for those of roots whose keys are away. They are written with everything published. */
export async function publishLists(engine: Engine): Promise<void> {
  for (const { slot } of dueLists(engine)) {
    const row = engine.store.slots().find(({ id }) => id === slot)
    if (row !== undefined && !isAwayRoot(engine, row)) await publishList(engine, row)
  }
}

async function publishList(engine: Engine, slot: SlotRow): Promise<void> {
  const { store, keys, clock, config, actor, report } = engine
  const issuer = caCertificate(slot.certificate!)
  const last = store.lists().find((row) => row.slot === slot.id && row.scope === '')
  const times = timesOf(slot, issuer.notAfter, { last, config, now: clock() })
  const number = nextNumber(store, slot.id)
  const revocations = store.revocationsOf(slot.id)
  // RFC 5280 5: an entry stays until one list after the end of its certificate. None is later than its list (5.1.2.6).
  const entries = store
    .revoked((last?.thisUpdate ?? times.thisUpdate) - 1)
    .filter((one) => one.slot === slot.id)
    .map(({ serial, at, reason }) =>
      encodeRevokedEntry({
        serial: Buffer.from(serial, 'hex'),
        at: Math.min(at, times.thisUpdate),
        reason: PKI_REASONS[reason],
      }),
    )
  const der = await keys.withSigner(slot, (signer) => signCrl({ issuer, number, ...times, entries }, signer))
  const at = clock()
  await store.write((transaction) => {
    transaction.putList({ slot: slot.id, scope: '', number, ...times, revocations, der })
    transaction.addAudit({ at, actor, deed: 'list-published', entry: { slot: slot.id, number } })
  })
  const detail = {
    slot: slot.id,
    entries: entries.length,
    notAfter: new Date(times.nextUpdate).toISOString(),
  }
  report({ kind: 'list-published', subject: 'mesh', at, detail })
}

/**
 * Backdated by what clocks differ by: whoever has a list that is not valid yet refuses everybody. Always later than the one
 * before it.
 */
function timesOf(
  { kind }: SlotRow,
  end: number,
  { last, config, now }: { last: ListRow | undefined; config: Config; now: number },
): Pick<ListRow, 'thisUpdate' | 'nextUpdate'> {
  const seconds = (time: number) => Math.floor(time / 1000) * 1000
  const thisUpdate = Math.max(seconds(now - config.authority.clockSkew), (last?.thisUpdate ?? 0) + 1000)
  const days = kind === 'root' ? ROOT_LIST_DAYS : config.revocation.crlDays
  return {
    thisUpdate,
    nextUpdate: Math.max(thisUpdate + 1000, Math.min(seconds(now) + days * DAY, seconds(end))),
  }
}

/** Generation and counter in one number, so that a restore goes on above whatever was used before. */
function nextNumber(store: Reader, slot: string): number {
  const used = store.lists().flatMap((row) => (row.slot === slot ? [row.number] : []))
  const generation = store.mesh()?.generation ?? 1
  return Math.max(generation * GENERATION, ...used) + 1
}

/** `paths.crl`: one full list of every CA, which is what OpenSSL wants of a file. */
export function listsPem(store: Reader): string {
  return listedCas(store)
    .flatMap(({ list }) => (list === undefined ? [] : [encodePem('X509 CRL', list.der)]))
    .join('')
}
