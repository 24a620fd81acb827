import type { Engine } from '../engine/engine.ts'

/** From the next bundle on the mesh pins keys as the config says now. */
export async function recordPinning({ store, config, clock, actor, report }: Engine): Promise<void> {
  const at = clock()
  const to = config.pinning
  const from = await store.write((transaction) => {
    const row = transaction.pinning()
    if (row === undefined) throw new TypeError('what was never published does not change')
    transaction.putPinning({ ...row, wanted: to })
    transaction.addAudit({ at, actor, deed: 'change-pinning', entry: { from: row.wanted, to } })
    return row.wanted
  })
  report({ kind: 'pinning-changed', subject: 'mesh', at, detail: { from, to } })
}
