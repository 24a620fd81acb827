import type { ConsoleMesh } from '@datapunk/protocol/console'
import { html, nothing, type TemplateResult } from 'lit-html'
import type { PageCommands } from './page-commands.ts'
import type { PageState } from './page-state.ts'
import { moment, none } from './text/moment.ts'
import { stateMark } from './text/state-mark.ts'
import { spanText } from './text/time-text.ts'

/** Milliseconds for which it is said that the stream was away. */
const SAID_LIVE_AGAIN = 10_000

/** Which mesh this is, how long it goes on by itself, and whether what is shown is true now. */
export function pageHeader(state: PageState, commands: PageCommands): TemplateResult {
  const { view } = state.mesh
  return html`<header>
    <h1>${view?.mesh.trustDomain ?? 'Datapunk mesh'}${
      view?.mesh.environment ? html` <span class="environment">${view.mesh.environment}</span>` : nothing
    }</h1>
    ${view === undefined ? nothing : facts(view.mesh, state.now)}
    <div class="standing">${connectionText(state)}${readOnlyMark(state)}
      ${
        state.entry.kind === 'open'
          ? html`<button type="button" class="plain" @click=${() => commands.logOut()}>Log out</button>`
          : nothing
      }
    </div>
  </header>`
}

function facts(mesh: ConsoleMesh, now: number): TemplateResult {
  return html`<dl class="facts">
    <div><dt>Bundle</dt><dd>${mesh.bundle ?? none}</dd></div>
    <div><dt>Bundle ends</dt><dd>${mesh.bundleExpiresAt === null ? none : moment(mesh.bundleExpiresAt, now)}</dd></div>
    <div><dt>Outage budget</dt><dd>${outage(mesh, now)}</dd></div>
  </dl>`
}

/** How long the mesh goes on if the authority does nothing. */
function outage({ outage }: ConsoleMesh, now: number): TemplateResult {
  if (outage === null) return none
  const left = outage.until - now
  return html`<span class="budget ${left < 0 ? 'spent' : ''}">${left < 0 ? 'spent' : spanText(left)}</span>
    <span class="relative">by ${outage.endedBy}</span>`
}

function connectionText({ connection, mesh, now, entry }: PageState): TemplateResult | typeof nothing {
  if (entry.kind !== 'open') return nothing
  if (connection.kind !== 'live')
    return standing('warning', connection.kind === 'connecting' ? 'connecting' : 'reconnecting')
  if (mesh.unreachable !== undefined) return standing('bad', 'authority away')
  const { lostFor, since } = connection
  const isAgain = lostFor !== undefined && now - since < SAID_LIVE_AGAIN
  return standing('good', isAgain ? `live again, after ${spanText(lostFor)}` : 'live')
}

function standing(state: 'good' | 'warning' | 'bad', text: string): TemplateResult {
  return html`<span class="state ${state}" data-standing>${stateMark(state)}<span>${text}</span></span>`
}

function readOnlyMark({ entry }: PageState): TemplateResult | typeof nothing {
  const isReadOnly = entry.kind === 'open' && entry.session.readOnly
  return isReadOnly
    ? html`<span class="badge" title="This session may look, and change nothing">read-only</span>`
    : nothing
}
