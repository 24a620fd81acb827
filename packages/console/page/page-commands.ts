import type { ConsoleState } from '@datapunk/protocol/console'
import { planCommands } from './action/plan-commands.ts'
import type { CommandOptions, RevokeReason } from './command-options.ts'
import { PageError } from './page-error.ts'
import { type Asked, type AskedParts, type Deed, presentValue, type Section } from './page-state.ts'
import type { Call } from './session/call.ts'

/** What whoever looks at the page can have done. */
export interface PageCommands {
  /** Undefined: nobody. */
  select(service: string | undefined): void
  hover(service: string | undefined): void
  filter(filter: { readonly text?: string; readonly state?: ConsoleState | undefined }): void
  show(section: Section): void
  /** @param before entries with a smaller number; undefined: the newest */
  showAudit(before: number | undefined): void
  showLog(before: number | undefined): void
  /** Has the browser check that a certificate is in the log. Undefined: what was found is put away. */
  prove(serial: string | undefined): void
  /** Asks what a deed would do. */
  consider(deed: Deed, reason?: RevokeReason): void
  /** Does what was considered. */
  confirm(): void
  dismiss(): void
  /** What was done has been read. */
  acknowledge(): void
  /** Loads what the first view did without. */
  loadRest(): void
  logOut(): void
}

export function pageCommands(options: CommandOptions): PageCommands {
  const { store, call, loadRest, onEnd } = options
  const ask = asker(options)
  const plans = planCommands(options, () => commands.select(store.state.selected))
  const commands: PageCommands = {
    select(service) {
      if (service !== store.state.selected) store.send({ type: 'select', service })
      if (service === undefined) return
      const path = `/api/service?service=${encodeURIComponent(service)}`
      void ask('detail', async () => (await call(path)).json())
    },
    hover: (service) => store.send({ type: 'hover', service }),
    filter: (filter) => store.send({ type: 'filter', filter }),
    show(section) {
      store.send({ type: 'section', section })
      if (section === 'audit') commands.showAudit(undefined)
      if (section === 'log') commands.showLog(undefined)
    },
    showAudit: (before) => void ask('audit', async () => (await call(`/api/audit${paged(before)}`)).json()),
    showLog: (before) => void ask('log', () => logOrNone(call, before)),
    prove(serial) {
      if (serial === undefined) store.send({ type: 'asked', parts: { proof: { kind: 'nothing' } } })
      else void ask('proof', async () => checkedProof(options, serial))
    },
    consider: (deed, reason) => void plans.consider(deed, reason),
    confirm: () => void plans.confirm(),
    dismiss: () => store.send({ type: 'dialog', dialog: undefined }),
    acknowledge: () => store.send({ type: 'done', done: undefined }),
    loadRest: () => void ask('rest', loadRest),
    logOut() {
      const told = call('/api/session', { method: 'DELETE' })
      onEnd(undefined)
      const { entry } = store.state
      // Whoever can't be told forgets the session all the same: here it ends now, there in its own time.
      void told.catch((error: PageError) => {
        if (error.code === 'REFUSED' && store.state.entry === entry) onEnd(error.message)
      })
    },
  }
  return commands
}

/**
 * Asks for a part of the state. A refusal is shown where the part would be; an error of ours is a fault. What the state holds no more,
 * nobody waits for: it was asked for anew, put away, or the session is over.
 */
function asker({ store, onEnd }: CommandOptions) {
  return async <Part extends keyof AskedParts>(
    part: Part,
    answer: () => Promise<AskedParts[Part]>,
  ): Promise<void> => {
    const { entry } = store.state
    const before = presentValue(store.state[part] as Asked<AskedParts[Part]>)
    const asking = { kind: 'asking', before } as const
    const put = (asked: Asked<AskedParts[Part]>) => store.send({ type: 'asked', parts: { [part]: asked } })
    const isAwaited = () => (store.state[part] as Asked<unknown>) === asking
    put(asking)
    try {
      const value = await answer()
      if (isAwaited()) put({ kind: 'here', value })
    } catch (error) {
      if (!(error instanceof PageError)) throw error
      if (error.code === 'SESSION_ENDED' && store.state.entry === entry) onEnd(error.message)
      else if (isAwaited()) put({ kind: 'failed', message: error.message })
    }
  }
}

function paged(before: number | undefined): string {
  return before === undefined ? '' : `?before=${before}`
}

async function logOrNone(call: Call, before: number | undefined): Promise<AskedParts['log']> {
  try {
    return await (await call(`/api/log${paged(before)}`)).json()
  } catch (error) {
    if (error instanceof PageError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

async function checkedProof(
  { call, checkProof }: CommandOptions,
  serial: string,
): Promise<AskedParts['proof']> {
  const response = await call(`/api/proof?serial=${encodeURIComponent(serial)}`)
  return { serial, check: await checkProof(await response.json(), serial) }
}
