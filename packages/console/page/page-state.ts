import type {
  ConsoleAction,
  ConsoleAudit,
  ConsoleDone,
  ConsoleLog,
  ConsoleMessage,
  ConsolePlan,
  ConsoleServiceDetail,
  ConsoleState,
} from '@datapunk/protocol/console'
import { afterMessage, type MeshView, NOTHING_CHANGED, NOTHING_SAID } from './mesh-view.ts'
import type { ProofCheck } from './proof/proof.ts'
import type { Entry } from './session/session.ts'
import type { Connection } from './session/stream.ts'

export const sections = ['due', 'roll-over', 'revocations', 'log', 'audit', 'events'] as const
export type Section = (typeof sections)[number]

/** Something that is asked for when somebody wants to see it. */
export type Asked<Value> =
  | NothingAsked
  /** `before`: what was there until then, so that nothing flickers. */
  | { readonly kind: 'asking'; readonly before: Value | undefined }
  | { readonly kind: 'here'; readonly value: Value }
  | { readonly kind: 'failed'; readonly message: string }

interface NothingAsked {
  readonly kind: 'nothing'
}

/** What is asked for, by its name in the state. */
export interface AskedParts {
  readonly detail: ConsoleServiceDetail
  /** Undefined: there is no log, or nothing in it. */
  readonly log: ConsoleLog | undefined
  readonly audit: ConsoleAudit
  readonly proof: { readonly serial: string; readonly check: ProofCheck }
  /** Whether the views are here that the first one does without. */
  readonly rest: true
}

/** A deed that somebody thinks about. */
export type Dialog =
  /** Of a revocation the reason is missing. */
  | { readonly kind: 'choosing'; readonly deed: Deed }
  | (Considered & { readonly kind: 'considered'; readonly plan: Exclude<Asked<ConsolePlan>, NothingAsked> })
  | (Considered & { readonly kind: 'running'; readonly plan: ConsolePlan })
  /** `message`: why it was not done. */
  | (Considered & { readonly kind: 'failed'; readonly plan: ConsolePlan; readonly message: string })

interface Considered {
  readonly deed: Deed
  readonly action: ConsoleAction
}

export type Deed =
  | { readonly kind: 'rotate'; readonly service: string }
  /** `serial`: one certificate of the service alone. */
  | { readonly kind: 'revoke'; readonly service: string; readonly serial: string | undefined }

export interface Filter {
  /** Part of a name. */
  readonly text: string
  /** Undefined: any. */
  readonly state: ConsoleState | undefined
}

export interface PageState extends AskedState {
  readonly entry: Entry
  readonly connection: Connection
  readonly mesh: MeshView
  /** Milliseconds since the epoch; it moves on with each tick. */
  readonly now: number
  readonly selected: string | undefined
  readonly hovered: string | undefined
  readonly filter: Filter
  readonly section: Section
  readonly dialog: Dialog | undefined
  /** What was done last. */
  readonly done: ConsoleDone | undefined
  /** How wide the map may be, in pixels. */
  readonly mapWidth: number
}

type AskedState = { readonly [part in keyof AskedParts]: Asked<AskedParts[part]> }

export type PageMessage =
  | { readonly type: 'entry'; readonly entry: Entry }
  | { readonly type: 'connection'; readonly connection: Connection }
  | { readonly type: 'said'; readonly message: ConsoleMessage; readonly at: number }
  | { readonly type: 'tick'; readonly now: number }
  | { readonly type: 'select'; readonly service: string | undefined }
  | { readonly type: 'hover'; readonly service: string | undefined }
  | { readonly type: 'filter'; readonly filter: Partial<Filter> }
  | { readonly type: 'section'; readonly section: Section }
  | { readonly type: 'asked'; readonly parts: Partial<AskedState> }
  | { readonly type: 'dialog'; readonly dialog: Dialog | undefined }
  | { readonly type: 'done'; readonly done: ConsoleDone | undefined }
  | { readonly type: 'map-width'; readonly width: number }

const NOTHING_ASKED: NothingAsked = { kind: 'nothing' }

/** @param now milliseconds since the epoch */
export function firstState(now: number): PageState {
  return {
    ...{ entry: { kind: 'entering' }, connection: { kind: 'connecting' }, mesh: NOTHING_SAID, now },
    ...{ selected: undefined, hovered: undefined, filter: { text: '', state: undefined }, section: 'due' },
    ...{ detail: NOTHING_ASKED, log: NOTHING_ASKED, audit: NOTHING_ASKED, proof: NOTHING_ASKED },
    rest: NOTHING_ASKED,
    ...{ dialog: undefined, done: undefined, mapWidth: 960 },
  }
}

/** Milliseconds for which a change is shown. */
const SHOWN_CHANGE = 1500

export function nextState(state: PageState, message: PageMessage): PageState {
  switch (message.type) {
    case 'said':
      return withMesh(state, afterMessage(state.mesh, message.message, message.at))
    case 'tick':
      return { ...state, now: message.now, mesh: settled(state.mesh, message.now) }
    case 'select':
      return { ...state, selected: message.service, detail: NOTHING_ASKED, hovered: undefined }
    case 'entry':
      return withEntry(state, message.entry)
    case 'connection':
      return { ...state, connection: message.connection }
    case 'hover':
      return state.hovered === message.service ? state : { ...state, hovered: message.service }
    case 'filter':
      return { ...state, filter: { ...state.filter, ...message.filter } }
    case 'section':
      return { ...state, section: message.section, proof: NOTHING_ASKED }
    case 'asked':
      return { ...state, ...message.parts }
    case 'dialog':
      return { ...state, dialog: message.dialog }
    case 'done':
      return { ...state, done: message.done }
    case 'map-width':
      return state.mapWidth === message.width ? state : { ...state, mapWidth: message.width }
  }
}

/** Whoever is not let in is shown nothing of what was there before; in another session nothing goes on that was considered in this. */
function withEntry(state: PageState, entry: Entry): PageState {
  if (entry.kind === 'open') return { ...state, entry, dialog: undefined }
  return { ...firstState(state.now), mapWidth: state.mapWidth, rest: state.rest, entry }
}

/** Nobody stays selected who is gone. */
function withMesh(state: PageState, mesh: MeshView): PageState {
  if (mesh === state.mesh) return state
  const isThere = mesh.view?.services.some(({ service }) => service === state.selected) ?? true
  return { ...state, mesh, ...(!isThere && { selected: undefined, detail: NOTHING_ASKED }) }
}

function settled(mesh: MeshView, now: number): MeshView {
  const { changed } = mesh
  if (changed === NOTHING_CHANGED || now - changed.at < SHOWN_CHANGE) return mesh
  return { ...mesh, changed: NOTHING_CHANGED }
}

/** What there is of something that was asked for, also while it is asked for anew. */
export function presentValue<Value>(asked: Asked<Value>): Value | undefined {
  if (asked.kind === 'here') return asked.value
  return asked.kind === 'asking' ? asked.before : undefined
}

/** What the deed of a dialog would do. */
export function planOf(dialog: Dialog): Asked<ConsolePlan> {
  if (dialog.kind === 'choosing') return NOTHING_ASKED
  return dialog.kind === 'considered' ? dialog.plan : { kind: 'here', value: dialog.plan }
}

/** Whether the session may do more than look. */
export function mayAct({ entry }: PageState): boolean {
  return entry.kind === 'open' && !entry.session.readOnly
}
