import type { PageCommands } from '../page-commands.ts'
import { type PageState, presentValue } from '../page-state.ts'

/** Milliseconds for which what is shown may be behind: what happens comes in bursts. */
const SETTLES_WITHIN = 1000

/** Asks anew for what is shown and was not sent by itself, once something has happened to it. */
export class Refresher {
  readonly #commands: PageCommands
  readonly #state: () => PageState
  readonly #after: (delay: number, call: () => void) => void
  readonly #waiting = new Set<string>()

  constructor(
    commands: PageCommands,
    state: () => PageState,
    after: (delay: number, call: () => void) => void,
  ) {
    this.#commands = commands
    this.#state = state
    this.#after = after
  }

  look(before: PageState, after: PageState): void {
    const { selected } = after
    if (selected !== undefined && selected === before.selected && differs(selected, before, after))
      this.#soon('detail', () => this.#commands.select(this.#state().selected))
    if (before.mesh.events !== after.mesh.events && isAtNewest(after))
      this.#soon('section', () => this.#refreshSection())
  }

  #refreshSection(): void {
    const state = this.#state()
    if (!isAtNewest(state)) return
    if (state.section === 'audit') this.#commands.showAudit(undefined)
    else this.#commands.showLog(undefined)
  }

  #soon(what: string, deed: () => void): void {
    if (this.#waiting.has(what)) return
    this.#waiting.add(what)
    this.#after(SETTLES_WITHIN, () => {
      this.#waiting.delete(what)
      deed()
    })
  }
}

function differs(name: string, { mesh: before }: PageState, { mesh: after }: PageState): boolean {
  const find = (mesh: PageState['mesh']) => mesh.view?.services.find(({ service }) => service === name)
  return find(before) !== find(after)
}

/** Whoever has gone to an older page stays there. */
function isAtNewest(state: PageState): boolean {
  const { section } = state
  if (section === 'audit') {
    const audit = presentValue(state.audit)
    return (audit?.entries[0]?.number ?? 0) === (audit?.size ?? 0)
  }
  const log = presentValue(state.log)
  return section === 'log' && (log?.entries[0]?.index ?? -1) === (log?.size ?? 0) - 1
}
