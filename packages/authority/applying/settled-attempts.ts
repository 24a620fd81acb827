import { undelivered } from '../delivery/deliver.ts'
import type { Engine } from '../engine/engine.ts'
import type { Action } from '../planning/plan.ts'

/**
 * Forgets failures that nobody is to try again, because somebody has seen to it by hand, or it is not asked for any more.
 *
 * @param actions what there was to do
 */
export async function forgetSettled(engine: Engine, actions: readonly Action[]): Promise<void> {
  const { store } = engine
  const attempts = store.attempts()
  if (attempts.length === 0) return
  const issued = actions.flatMap((one) =>
    one.kind === 'issue' || one.kind === 'renew' ? [one.instance] : [],
  )
  const due = { issue: new Set(issued), reload: new Set(undelivered(engine)) }
  const settled = attempts.filter(({ kind, subject }) => !due[kind].has(subject))
  if (settled.length === 0) return
  await store.write((transaction) => {
    for (const { kind, subject } of settled) transaction.forgetAttempt(kind, subject)
  })
}
