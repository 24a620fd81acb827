import type { ConsoleEvent, ConsoleMessage, ConsoleService, ConsoleView } from '@datapunk/protocol/console'

/** As many as a page shows. */
const KEPT_EVENTS = 100

type Change = Extract<ConsoleMessage, { type: 'change' }>

/** What every open page shows: the whole of it for whoever comes, and then what changes. */
export class LiveView {
  readonly #listeners = new Set<(message: ConsoleMessage) => void>()
  #view: ConsoleView | undefined
  /** Of each part of it, as JSON: what is compared with the next one. */
  #parts = new Map<string, string>()
  #events: readonly ConsoleEvent[] = []
  #authority: Extract<ConsoleMessage, { type: 'authority' }> | undefined

  /** Told when the first comes to look. */
  onWatched: () => void = () => {}

  /** Whether anybody looks. */
  get isWatched(): boolean {
    return this.#listeners.size > 0
  }

  /** Calls with what there is now, and then with each message. @returns takes it back */
  watch(listener: (message: ConsoleMessage) => void): () => void {
    if (this.#authority !== undefined) listener(this.#authority)
    if (this.#view !== undefined) listener({ type: 'view', view: this.#view })
    if (this.#events.length > 0) listener({ type: 'events', events: this.#events })
    this.#listeners.add(listener)
    if (this.#listeners.size === 1) this.onWatched()
    return () => {
      this.#listeners.delete(listener)
      // What nobody has looked at for a while is no longer so.
      if (this.#listeners.size === 0) this.#view = undefined
    }
  }

  show(view: ConsoleView): void {
    const before = this.#view
    const parts = partsOf(view)
    const change = before === undefined ? undefined : changeBetween(before, view, this.#parts, parts)
    this.#view = view
    this.#parts = parts
    if (before === undefined) this.#tell({ type: 'view', view })
    else if (change !== undefined) this.#tell(change)
  }

  happened(events: readonly ConsoleEvent[]): void {
    this.#events = [...this.#events, ...events].slice(-KEPT_EVENTS)
    this.#tell({ type: 'events', events: events.slice(-KEPT_EVENTS) })
  }

  /** Whether the authority answers; the same is told once. */
  authority(reachable: boolean, message: string): void {
    if (this.#authority?.reachable === reachable && this.#authority.message === message) return
    this.#authority = { type: 'authority', reachable, message }
    this.#tell(this.#authority)
  }

  #tell(message: ConsoleMessage): void {
    for (const listener of [...this.#listeners]) listener(message)
  }
}

const wholeParts = ['mesh', 'links', 'revocations'] as const

function partsOf(view: ConsoleView): Map<string, string> {
  return new Map([
    ...wholeParts.map((part) => [part, JSON.stringify(view[part])] as const),
    ...view.services.map((one) => [keyOf(one), JSON.stringify(one)] as const),
  ])
}

/** No part is called so. */
function keyOf({ service }: ConsoleService): string {
  return `service ${service}`
}

/** @returns undefined where nothing differs */
function changeBetween(
  before: ConsoleView,
  view: ConsoleView,
  old: ReadonlyMap<string, string>,
  parts: ReadonlyMap<string, string>,
): Change | undefined {
  const differs = (part: string) => old.get(part) !== parts.get(part)
  const services = view.services.filter((one) => differs(keyOf(one)))
  const gone = before.services.filter((one) => !parts.has(keyOf(one))).map(({ service }) => service)
  const change: Change = {
    type: 'change',
    ...Object.fromEntries(wholeParts.filter(differs).map((part) => [part, view[part]])),
    ...(services.length > 0 && { services }),
    ...(gone.length > 0 && { gone }),
  }
  return Object.keys(change).length > 1 ? change : undefined
}
