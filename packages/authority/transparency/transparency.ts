import type { Requirement } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { slotInUse } from '../engine/slots.ts'
import { seatLog } from './log-slot.ts'
import { LogPutBack } from './put-back.ts'

/**
 * Opens the log, where there is a mesh and its config wants one, and puts it on record where no other is in use: then there is
 * nothing else for certificates to go to. That it can't be had is told when that begins.
 */
export async function takeLog(engine: Engine): Promise<void> {
  const { config, store, logSeat, report, clock } = engine
  const mesh = store.mesh()
  if (mesh === undefined || config.transparency === 'off') return
  const before = logSeat.failure?.message
  await logSeat.take(mesh)
  if (logSeat.log !== undefined && slotInUse(store.slots(), 'log') === undefined) await seatLog(engine)
  await askForRoots(engine)
  const { failure } = logSeat
  if (failure === undefined || failure.message === before) return
  const { message } = failure
  const told = { subject: 'mesh', at: clock() }
  if (failure instanceof LogPutBack)
    report({ ...told, kind: 'log-alarm', detail: { log: failure.origin, message } })
  else report({ ...told, kind: 'log-unavailable', detail: { error: message } })
}

/** Like a peer, the log has to know the next root before anything stands under it. */
async function askForRoots({ store, logSeat }: Engine): Promise<void> {
  const { log, roots } = logSeat
  for (const { kind, state, certificate, spkiHash } of store.slots()) {
    if (log === undefined || certificate === undefined || roots.has(spkiHash)) continue
    if (kind !== 'root' || state !== 'prepared') continue
    // While it can't be asked it is waited for.
    if (await log.takes(certificate).catch(() => false)) roots.add(spkiHash)
  }
}

/** @param scts what peers are told, by the next bundle, to do with certificates that are not logged; undefined: nothing */
export async function changeScts(engine: Engine, scts: Requirement | undefined): Promise<void> {
  const { store, clock, actor, report } = engine
  const at = clock()
  const detail = { scts: scts ?? 'off' } as const
  await store.write((transaction) => {
    transaction.changeMesh({ scts })
    transaction.addAudit({ at, actor, deed: 'transparency-changed', entry: detail })
  })
  report({ kind: 'transparency-changed', subject: 'mesh', at, detail })
}
