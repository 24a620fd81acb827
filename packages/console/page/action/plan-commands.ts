import type { ConsoleAction } from '@datapunk/protocol/console'
import type { CommandOptions, RevokeReason } from '../command-options.ts'
import { messageOf, PageError } from '../page-error.ts'
import { type Deed, presentValue } from '../page-state.ts'

/** What leads to a deed: what it would do is asked for first, and it is done only as it was considered. */
export interface PlanCommands {
  /** @param reason of a revocation; without one nothing is asked yet */
  consider(deed: Deed, reason?: RevokeReason): Promise<void>
  confirm(): Promise<void>
}

/** @param onDone after something was done */
export function planCommands({ store, call, onEnd }: CommandOptions, onDone: () => void): PlanCommands {
  const refused = (error: unknown, show: (message: string) => void) => {
    if (error instanceof PageError && error.code === 'SESSION_ENDED') onEnd(error.message)
    else show(messageOf(error))
  }
  return {
    async consider(deed, reason) {
      const action = actionOf(deed, reason)
      const dialog = {
        deed,
        action,
        plan: { kind: 'nothing' },
        isRunning: false,
        failure: undefined,
      } as const
      if (action === undefined) return store.send({ type: 'dialog', dialog })
      const before = store.state.dialog && presentValue(store.state.dialog.plan)
      store.send({ type: 'dialog', dialog: { ...dialog, plan: { kind: 'asking', before } } })
      // Who chose another reason meanwhile, or closed it, is not shown this one.
      const isWanted = () => store.state.dialog?.action === action
      try {
        const value = await (await call('/api/plan', { method: 'POST', body: action })).json()
        if (isWanted()) store.send({ type: 'dialog', dialog: { ...dialog, plan: { kind: 'here', value } } })
      } catch (error) {
        refused(error, (message) => {
          if (isWanted())
            store.send({ type: 'dialog', dialog: { ...dialog, plan: { kind: 'failed', message } } })
        })
      }
    },
    async confirm() {
      const { dialog } = store.state
      if (dialog?.action === undefined || dialog.plan.kind !== 'here' || dialog.isRunning) return
      store.send({ type: 'dialog', dialog: { ...dialog, isRunning: true, failure: undefined } })
      try {
        const done = await (await call('/api/act', { method: 'POST', body: dialog.action })).json()
        store.send({ type: 'done', done })
        store.send({ type: 'dialog', dialog: undefined })
        onDone()
      } catch (error) {
        refused(error, (failure) => store.send({ type: 'dialog', dialog: { ...dialog, failure } }))
      }
    },
  }
}

function actionOf(deed: Deed, reason: RevokeReason | undefined): ConsoleAction | undefined {
  if (deed.kind === 'rotate') return { action: 'rotate', service: deed.service }
  if (reason === undefined) return undefined
  const target = deed.serial === undefined ? { service: deed.service } : { serial: deed.serial }
  return { action: 'revoke', target, reason }
}
