import { keyIdOf } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { AuthorityError } from '../error.ts'
import { recordOfLog } from '../scts/submit.ts'
import type { SlotRow } from '../store/rows.ts'

/**
 * Puts the log that is open on record; peers believe it once a trust statement names it. Where no other is in use it is at
 * once: there is nothing else for certificates to go to, and whoever has not heard of it hears with the next bundle.
 *
 * @param fresh another log than the one on record, which is added to no more; one that is open and on no record is another
 * @throws AuthorityError `LOG_UNAVAILABLE`
 */
export async function seatLog(engine: Engine, { fresh = false } = {}): Promise<SlotRow> {
  const { store, logSeat, clock, actor } = engine
  const mesh = store.mesh()
  if (mesh === undefined) throw new TypeError('a log is of a mesh')
  await logSeat.take(mesh)
  if (fresh && (logSeat.log === undefined || recordOfLog(store, logSeat.log.spki) !== undefined))
    await logSeat.replace(mesh)
  const { log } = logSeat
  if (log === undefined) {
    throw new AuthorityError(
      'LOG_UNAVAILABLE',
      `the transparency log can't be had: ${logSeat.failure?.message}. \`transparency: off\` in the config does without one`,
      { cause: logSeat.failure },
    )
  }
  const known = recordOfLog(store, log.spki)
  if (known !== undefined) return known
  const at = clock()
  const logs = store.slots().filter(({ kind }) => kind === 'log')
  const state = logs.some((one) => one.state === 'active') ? 'prepared' : 'active'
  const { spki, origin } = log
  const slot: SlotRow = {
    ...{ id: `log-${logs.length + 1}`, kind: 'log', state, algorithm: 'ecdsa-p256' },
    ...{ spkiHash: keyIdOf(spki), spki, origin, certificate: undefined, since: at, leftOut: [] },
  }
  const { id, spkiHash } = slot
  await store.write((transaction) => {
    transaction.putSlot(slot)
    transaction.addAudit({ at, actor, deed: 'key-created', entry: { slot: id, origin, spkiHash } })
    if (state === 'active') transaction.addAudit({ at, actor, deed: 'key-activated', entry: { slot: id } })
  })
  return slot
}
