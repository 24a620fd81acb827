import type { ConsoleLog } from '@datapunk/protocol/console'
import { html, nothing, type TemplateResult } from 'lit-html'
import type { PageCommands } from '../page-commands.ts'
import { type PageState, presentValue } from '../page-state.ts'
import { proofView } from '../proof/proof-view.ts'
import { fingerprint } from '../text/fingerprint.ts'
import { moment } from '../text/moment.ts'
import { askedView } from './asked-view.ts'
import { pager } from './pager.ts'

/** What the log holds, and whether a certificate is proven to be in it. */
export function logView(state: PageState, commands: PageCommands): TemplateResult {
  const proven = presentValue(state.proof)
  return html`${proven === undefined && state.proof.kind !== 'failed' ? nothing : proofView(state.proof, commands, state.now)}
    ${askedView(state.log, 'the log', (log) =>
      log === undefined
        ? html`<p class="empty">There is no log, or nothing in it.</p>`
        : logTable(log, state.now, commands),
    )}`
}

function logTable(log: ConsoleLog, now: number, commands: PageCommands): TemplateResult {
  const { entries, size } = log
  return html`<dl class="facts inline">
      <div><dt>Log</dt><dd><code>${log.origin}</code></dd></div>
      <div><dt>Entries</dt><dd>${size}</dd></div>
      <div><dt>Root</dt><dd>${fingerprint(log.root)}</dd></div>
      <div><dt>Signed</dt><dd>${moment(log.signedAt, now)}</dd></div>
    </dl>
    <table>
      <thead><tr><th scope="col" class="number">Index</th><th scope="col">Name</th><th scope="col">Serial</th><th scope="col">Logged</th>
        <th scope="col">Valid until</th><th scope="col">Proof</th></tr></thead>
      <tbody>${entries.map(
        ({ index, name, serial, loggedAt, notAfter }) => html`<tr>
          <td class="number">${index}</td><th scope="row">${name}</th><td>${fingerprint(serial)}</td>
          <td>${moment(loggedAt, now)}</td><td>${moment(notAfter, now)}</td>
          <td>${serial === '' ? nothing : checkButton(index, serial, commands)}</td>
        </tr>`,
      )}</tbody>
    </table>
    ${pager({
      what: 'log',
      highest: entries[0]?.index ?? 0,
      lowest: entries.at(-1)?.index ?? 0,
      newest: size - 1,
      oldest: 0,
      onPage: commands.showLog,
    })}`
}

function checkButton(index: number, serial: string, commands: PageCommands): TemplateResult {
  return html`<button type="button" class="link" aria-label="Check entry ${index}"
    @click=${() => commands.prove(serial)}>Check</button>`
}
