import type { PageCommands } from '../page-commands.ts'
import { type PageState, presentValue } from '../page-state.ts'

/** Milliseconds for which what is shown may be behind: what happens comes in bursts. */
const SETTLES_WITHIN = 1000

/** Milliseconds after which the rest of the page is tried again where it did not load. */
export const TRIED_AGAIN_AFTER = 5000

/**
 * Asks anew for what is shown and was not sent by itself, once something has happened to it; and for the rest of the page, once the
 * first view of the mesh is painted. An answer that is still on its way is waited for: to ask anew is to want it no more, and where all
 * take long none would ever be shown.
 */
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

  /** After each time that the page was drawn. */
  look(before: PageState, after: PageState): void {
    const { selected, mesh, rest } = after
    if (mesh.view !== undefined && rest.kind === 'nothing') this.#soon('rest', this.#loadRest, 0)
    if (rest.kind === 'failed') this.#soon('rest', this.#loadRest, TRIED_AGAIN_AFTER)
    if (selected !== undefined && selected === before.selected && differs(selected, before, after))
      this.#soon('detail', () => this.#refreshDetail())
    if (before.mesh.events !== after.mesh.events && isAtNewest(after))
      this.#soon('section', () => this.#refreshSection())
  }

  readonly #loadRest = () => this.#commands.loadRest()

  #refreshDetail(): void {
    const { detail, selected } = this.#state()
    if (detail.kind === 'asking') this.#soon('detail', () => this.#refreshDetail())
    else this.#commands.select(selected)
  }

  #refreshSection(): void {
    const state = this.#state()
    if (!isAtNewest(state)) return
    const shown = state.section === 'audit' ? state.audit : state.log
    if (shown.kind === 'asking') this.#soon('section', () => this.#refreshSection())
    else if (state.section === 'audit') this.#commands.showAudit(undefined)
    else this.#commands.showLog(undefined)
  }

  #soon(what: string, deed: () => void, within = SETTLES_WITHIN): void {
    if (this.#waiting.has(what)) return
    this.#waiting.add(what)
    this.#after(within, () => {
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
