import type {
  ConsoleEvent,
  ConsoleLink,
  ConsoleMessage,
  ConsoleService,
  ConsoleView,
} from '@datapunk/protocol/console'
import type { Pair } from './map/map-layers.ts'

/** What the stream has said so far. */
export interface MeshView {
  /** Undefined until it has come. */
  readonly view: ConsoleView | undefined
  /** The newest first. */
  readonly events: readonly ConsoleEvent[]
  /** Undefined: nothing is wrong as far as is known. */
  readonly unreachable: string | undefined
  /** Of all services, sorted; the same as long as they are. */
  readonly names: readonly string[]
  /** Every pair that has been connected while the page was open: the map does not jump when one pauses. Sorted. */
  readonly pairs: readonly Pair[]
  /** What changed last, to be seen for a moment. */
  readonly changed: Changed
}

export interface Changed {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Services with another state, or other certificates. */
  readonly services: ReadonlySet<string>
  /** Connections that are gone. */
  readonly cut: readonly ConsoleLink[]
}

export const NOTHING_CHANGED: Changed = { at: 0, services: new Set(), cut: [] }
export const NOTHING_SAID: MeshView = {
  view: undefined,
  events: [],
  unreachable: undefined,
  names: [],
  pairs: [],
  changed: NOTHING_CHANGED,
}

/** As many as are shown. */
const KEPT_EVENTS = 200

/** What is known once this has been said. @param at when, milliseconds since the epoch */
export function afterMessage(before: MeshView, message: ConsoleMessage, at: number): MeshView {
  switch (message.type) {
    case 'view':
      return withView(before, sameWherePossible(before.view, message.view), at)
    case 'change':
      return before.view === undefined ? before : withView(before, changedView(before.view, message), at)
    case 'events':
      return { ...before, events: withEvents(before.events, message.events) }
    case 'authority':
      return { ...before, unreachable: message.reachable ? undefined : message.message }
    case 'beat':
      return before
  }
}

/** After a break the last ones are told again. */
function withEvents(before: readonly ConsoleEvent[], told: readonly ConsoleEvent[]): readonly ConsoleEvent[] {
  const known = new Set(before.map((event) => JSON.stringify(event)))
  const fresh = told.filter((event) => !known.has(JSON.stringify(event)))
  return fresh.length === 0 ? before : [...fresh.reverse(), ...before].slice(0, KEPT_EVENTS)
}

function withView(before: MeshView, view: ConsoleView, at: number): MeshView {
  return {
    ...before,
    view,
    names: namesOf(before.names, view),
    pairs: knownPairs(before.pairs, view),
    changed: before.view === undefined ? NOTHING_CHANGED : whatChanged(before.view, view, at, before.changed),
  }
}

function changedView(before: ConsoleView, change: Extract<ConsoleMessage, { type: 'change' }>): ConsoleView {
  const services = new Map(before.services.map((one) => [one.service, one]))
  for (const one of change.services ?? []) services.set(one.service, one)
  for (const name of change.gone ?? []) services.delete(name)
  const isSame = change.services === undefined && change.gone === undefined
  return {
    mesh: change.mesh ?? before.mesh,
    links: change.links ?? before.links,
    revocations: change.revocations ?? before.revocations,
    services: isSame ? before.services : [...services.values()].sort(byName),
  }
}

function byName(one: ConsoleService, other: ConsoleService): number {
  return one.service < other.service ? -1 : 1
}

/** After a break everything is told anew; what is the same stays the same object, so that nothing of it is drawn anew. */
function sameWherePossible(before: ConsoleView | undefined, view: ConsoleView): ConsoleView {
  const old = new Map(before?.services.map((one) => [one.service, one]))
  const services = view.services.map((one) => {
    const kept = old.get(one.service)
    return kept !== undefined && JSON.stringify(kept) === JSON.stringify(one) ? kept : one
  })
  return { ...view, services }
}

function namesOf(before: readonly string[], { services }: ConsoleView): readonly string[] {
  const isSame = services.length === before.length && services.every((one, at) => one.service === before[at])
  return isSame ? before : services.map(({ service }) => service)
}

function knownPairs(before: readonly Pair[], { services, links }: ConsoleView): readonly Pair[] {
  const names = new Set(services.map(({ service }) => service))
  const known = new Map(before.map((pair) => [pairKey(pair), pair]))
  for (const { caller, callee } of links) {
    const key = pairKey({ caller, callee })
    if (!known.has(key)) known.set(key, { caller, callee })
  }
  const pairs = [...known.values()].filter(({ caller, callee }) => names.has(caller) && names.has(callee))
  const isSame = pairs.length === before.length && pairs.every((pair, at) => pair === before[at])
  return isSame ? before : pairs.sort((one, other) => (pairKey(one) < pairKey(other) ? -1 : 1))
}

/** No two pairs have the same. */
export function pairKey({ caller, callee }: Pair): string {
  return `${caller} ${callee}`
}

function whatChanged(before: ConsoleView, view: ConsoleView, at: number, earlier: Changed): Changed {
  const left = new Set(view.links.map(pairKey))
  const cut = before.links === view.links ? [] : before.links.filter((link) => !left.has(pairKey(link)))
  const old = new Map(before.services.map((one) => [one.service, one]))
  const services = view.services.flatMap((one) =>
    looksOther(old.get(one.service), one) ? [one.service] : [],
  )
  return cut.length === 0 && services.length === 0 ? earlier : { at, services: new Set(services), cut }
}

function looksOther(before: ConsoleService | undefined, after: ConsoleService): boolean {
  if (before === after || before === undefined) return false
  return before.state !== after.state || certificatesOf(before) !== certificatesOf(after)
}

function certificatesOf({ instances }: ConsoleService): string {
  return instances.map(({ notBefore, renewalDue }) => `${notBefore} ${renewalDue}`).join()
}
