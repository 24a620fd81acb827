import type { ConsoleService, ConsoleServiceDetail } from '@datapunk/protocol/console'
import { html, nothing, type TemplateResult } from 'lit-html'
import type { PageCommands } from '../page-commands.ts'
import { mayAct, type PageState, presentValue } from '../page-state.ts'
import { prose } from '../text/prose.ts'
import { stateText } from '../text/state-mark.ts'
import { certificateList } from './certificate-list.ts'
import { connectionTable } from './connection-table.ts'
import { instanceTable } from './instance-table.ts'
import { peerList } from './peer-list.ts'
import { pinList } from './pin-list.ts'
import { timeLine } from './time-line.ts'

/** Everything about one service. */
export function servicePanel(
  service: ConsoleService,
  state: PageState,
  commands: PageCommands,
): TemplateResult {
  const detail = presentValue(state.detail)
  const isOwn = detail?.service === service.service
  return html`<div class="title">
      <h2 id="panel-title" tabindex="-1">${service.service}</h2>
      ${stateText(service.state)}
      <button type="button" class="plain close" aria-label="Close ${service.service}"
        @click=${() => commands.select(undefined)}>Close</button>
    </div>
    ${service.notes.length === 0 ? nothing : html`<ul class="notes ${service.state}">${service.notes.map((note) => html`<li>${prose(note)}</li>`)}</ul>`}
    ${mayAct(state) ? deeds(service, commands) : nothing}
    ${names(service, isOwn ? detail : undefined, commands)}
    ${instanceTable(service, state.mesh.view?.mesh.bundle ?? null, state.now)}
    ${state.detail.kind === 'failed' ? html`<p class="banner bad" role="alert">${state.detail.message}</p>` : nothing}
    ${
      isOwn
        ? html`<h3>Certificates</h3>
          ${timeLine(detail.certificates, state.now)}
          ${certificateList(detail, state, commands)}
          ${pinList(detail.pins)}
          ${peerList(detail.peers, state.now)}`
        : html`<p class="hint">Asking for its certificates.</p>`
    }
    ${connectionTable(service.service, state.mesh.view?.links ?? [], commands)}`
}

function deeds({ service, barred }: ConsoleService, commands: PageCommands): TemplateResult {
  return html`<div class="deeds">
    <button type="button" @click=${() => commands.consider({ kind: 'rotate', service })}>Rotate…</button>
    <button type="button" class="danger" ?disabled=${barred}
      @click=${() => commands.consider({ kind: 'revoke', service, serial: undefined })}>Revoke…</button>
  </div>`
}

function names(
  { names }: ConsoleService,
  detail: ConsoleServiceDetail | undefined,
  commands: PageCommands,
): TemplateResult {
  return html`<dl class="pairs">
    <dt>Names</dt><dd>${names.map((name) => html`<code>${name}</code> `)}</dd>
    ${
      detail === undefined
        ? nothing
        : html`<dt>SPIFFE ID</dt><dd><code>${detail.spiffeId}</code></dd>
          <dt>Callers</dt><dd>${callersText(detail.callers, commands)}</dd>`
    }
  </dl>`
}

function callersText(callers: ConsoleServiceDetail['callers'], commands: PageCommands) {
  if (callers === 'members') return 'every member'
  if (callers.length === 0) return 'nobody'
  return callers.map(
    (name) =>
      html`<button type="button" class="link" @click=${() => commands.select(name)}>${name}</button> `,
  )
}
