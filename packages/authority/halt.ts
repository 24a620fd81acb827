import type { Engine } from './engine.ts'

/** Nothing is signed from now on, until somebody has looked: see `mtls restore --continue`. */
export async function halt(
  { store, clock, report, actor }: Pick<Engine, 'store' | 'clock' | 'report' | 'actor'>,
  evidence: string,
): Promise<void> {
  if (store.mesh()?.halted !== undefined) return
  await store.write((transaction) => {
    transaction.changeMesh({ halted: evidence })
    transaction.addAudit({ at: clock(), actor, deed: 'halted', entry: { evidence } })
  })
  report({ kind: 'halted', subject: 'mesh', at: clock(), detail: { evidence } })
}
