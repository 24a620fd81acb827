import type { ConsoleMesh, ConsoleService, ConsoleView } from '@datapunk/protocol/console'
import { html, nothing, type TemplateResult } from 'lit-html'
import type { PageCommands } from '../page-commands.ts'
import { countText } from '../text/count-text.ts'
import { fingerprint } from '../text/fingerprint.ts'
import { moment, none } from '../text/moment.ts'
import { prose } from '../text/prose.ts'
import { stateMark } from '../text/state-mark.ts'

/** The worst ones; the filter shows the rest. */
const SHOWN = 12

const rank = { bad: 0, warning: 1, quiet: 2, good: 3 } as const

/** What the panel shows while nobody is selected: which services need a look, and how the mesh is set. */
export function overviewPanel(
  { mesh, services, links }: ConsoleView,
  now: number,
  commands: PageCommands,
): TemplateResult {
  const wanting = services
    .filter(({ state }) => state === 'bad' || state === 'warning')
    .toSorted((one, other) => rank[one.state] - rank[other.state])
  const open = links.reduce((sum, { count }) => sum + count, 0)
  return html`<h2 id="panel-title">Overview</h2>
    <h3>Services that need a look</h3>
    ${
      wanting.length === 0
        ? html`<p class="fine">${stateMark('good')}<span>None does.</span></p>`
        : html`<ul class="wanting">${wanting.slice(0, SHOWN).map((service) => wantingService(service, commands))}</ul>`
    }
    ${wanting.length > SHOWN ? html`<p class="hint">And ${wanting.length - SHOWN} more; the map shows them by state.</p>` : nothing}
    <h3>Mesh</h3>
    <dl class="pairs">
      <dt>Services</dt><dd>${countText(services.length)}</dd>
      <dt>Connections</dt><dd>${countText(open)} open, between ${links.length === 1 ? '1 pair' : `${countText(links.length)} pairs`}</dd>
      <dt>Transparency</dt><dd>${modeText(mesh.transparency)}${
        mesh.transparency.failure === null
          ? nothing
          : html`<br><span class="bad">${mesh.transparency.failure}</span>`
      }</dd>
      <dt>Pinning</dt><dd>${modeText(mesh.pinning)}${suspension(mesh, now)}</dd>
      <dt>Mesh ID</dt><dd>${mesh.meshId === null ? none : fingerprint(mesh.meshId)}</dd>
    </dl>
    <p class="hint">Choose a service in the map to see its certificates, pins, peers and refusals.</p>`
}

function wantingService({ service, state, notes }: ConsoleService, commands: PageCommands): TemplateResult {
  return html`<li><button type="button" class="row" @click=${() => commands.select(service)}>
    ${stateMark(state)}<span><strong>${service}</strong> <span class="visually-hidden">${state}: </span>${prose(notes[0] ?? '')}</span>
  </button></li>`
}

function modeText({ wanted, mode }: { readonly wanted: string; readonly mode: string }): string {
  return wanted === mode ? mode : `${mode}; ${wanted} is wanted, once every live peer can`
}

function suspension({ pinning }: ConsoleMesh, now: number): TemplateResult | typeof nothing {
  if (pinning.suspendedUntil === null) return nothing
  return html`<br><span class="warning">suspended until ${moment(pinning.suspendedUntil, now)}</span>`
}
