import type { ConsoleAction } from '@datapunk/protocol/console'
import type { CommandOptions, RevokeReason } from '../command-options.ts'
import { messageOf, PageError } from '../page-error.ts'
import { type Deed, type Dialog, planOf, presentValue } from '../page-state.ts'
import type { Entry } from '../session/session.ts'

/** What leads to a deed: what it would do is asked for first, and it is done only as it was considered. */
export interface PlanCommands {
  /** @param reason of a revocation; without one nothing is asked yet */
  consider(deed: Deed, reason?: RevokeReason): Promise<void>
  confirm(): Promise<void>
}

/**
 * What comes is for the dialog that asked, and for nobody who has closed it or opened another; once its session is over, for nobody.
 *
 * @param onDone after something was done
 */
export function planCommands({ store, call, onEnd }: CommandOptions, onDone: () => void): PlanCommands {
  const show = (dialog: Dialog | undefined) => store.send({ type: 'dialog', dialog })
  const isShown = (dialog: Dialog) => store.state.dialog === dialog
  const post = async (path: string, action: ConsoleAction) =>
    (await call(path, { method: 'POST', body: action })).json()
  const refused = (error: unknown, entry: Entry, tell: (message: string) => void) => {
    if (store.state.entry !== entry) return
    if (error instanceof PageError && error.code === 'SESSION_ENDED') onEnd(error.message)
    else tell(messageOf(error))
  }
  return {
    async consider(deed, reason) {
      const { entry } = store.state
      const action = actionOf(deed, reason)
      if (action === undefined) return show({ kind: 'choosing', deed })
      const before = store.state.dialog && presentValue(planOf(store.state.dialog))
      const asking: Dialog = { kind: 'considered', deed, action, plan: { kind: 'asking', before } }
      show(asking)
      try {
        const value = await post('/api/plan', action)
        if (isShown(asking)) show({ ...asking, plan: { kind: 'here', value } })
      } catch (error) {
        refused(error, entry, (message) => {
          if (isShown(asking)) show({ ...asking, plan: { kind: 'failed', message } })
        })
      }
    },
    async confirm() {
      const { dialog, entry } = store.state
      if (dialog === undefined || dialog.kind === 'choosing' || dialog.kind === 'running') return
      const { deed, action } = dialog
      const plan = planOf(dialog)
      if (plan.kind !== 'here') return
      const running: Dialog = { kind: 'running', deed, action, plan: plan.value }
      show(running)
      try {
        const done = await post('/api/act', action)
        if (store.state.entry !== entry) return
        store.send({ type: 'done', done })
        if (isShown(running)) show(undefined)
        onDone()
      } catch (error) {
        refused(error, entry, (message) => {
          if (isShown(running)) show({ ...running, kind: 'failed', message })
          else store.send({ type: 'done', done: { state: 'bad', text: `${deedTitle(deed)}: ${message}` } })
        })
      }
    },
  }
}

/** The deed, as its button names it. */
export function deedTitle(deed: Deed): string {
  if (deed.kind === 'rotate') return `Rotate ${deed.service}`
  return deed.serial === undefined ? `Revoke ${deed.service}` : `Revoke one certificate of ${deed.service}`
}

function actionOf(deed: Deed, reason: RevokeReason | undefined): ConsoleAction | undefined {
  if (deed.kind === 'rotate') return { action: 'rotate', service: deed.service }
  if (reason === undefined) return undefined
  const target = deed.serial === undefined ? { service: deed.service } : { serial: deed.serial }
  return { action: 'revoke', target, reason }
}
