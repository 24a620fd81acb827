import type { PageState } from './page-state.ts'
import { spanText } from './text/time-text.ts'

/** More services than these are told as a number. */
const NAMED = 3

/** What somebody who can't see the page has to be told of a change; undefined where it is nothing. */
export function announcement(before: PageState, after: PageState): string | undefined {
  const sentences = [
    connectionChange(before, after),
    authorityChange(before, after),
    stateChanges(before, after),
    deed(before, after),
  ]
  const said = sentences.filter((sentence) => sentence !== undefined)
  return said.length === 0 ? undefined : said.join(' ')
}

function deed({ done: before }: PageState, { done: after }: PageState): string | undefined {
  return before === after ? undefined : after?.text
}

function connectionChange(
  { connection: before }: PageState,
  { connection: after }: PageState,
): string | undefined {
  if (before.kind === after.kind) return undefined
  if (after.kind === 'reconnecting') return 'The connection to the console is lost; reconnecting.'
  if (after.kind === 'live' && after.lostFor !== undefined)
    return `Live again, after ${spanText(after.lostFor)}.`
  return undefined
}

function authorityChange({ mesh: before }: PageState, { mesh: after }: PageState): string | undefined {
  if (before.unreachable === after.unreachable) return undefined
  return after.unreachable === undefined ? 'The authority answers again.' : after.unreachable
}

function stateChanges({ mesh: before }: PageState, { mesh: after }: PageState): string | undefined {
  if (before.view === undefined || after.view === undefined || before.view.services === after.view.services)
    return undefined
  const states = new Map(before.view.services.map(({ service, state }) => [service, state]))
  const changed = after.view.services.filter(({ service, state }) => (states.get(service) ?? state) !== state)
  if (changed.length === 0) return undefined
  if (changed.length > NAMED) return `${changed.length} services have another state.`
  return changed
    .map(({ service, state, notes }) => `${service} is ${state}${notes[0] ? `: ${notes[0]}` : ''}.`)
    .join(' ')
}
