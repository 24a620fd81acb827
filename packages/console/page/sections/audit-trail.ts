import type { ConsoleAudit } from '@datapunk/protocol/console'
import { html, type TemplateResult } from 'lit-html'
import type { PageCommands } from '../page-commands.ts'
import type { PageState } from '../page-state.ts'
import { fingerprint } from '../text/fingerprint.ts'
import { moment } from '../text/moment.ts'
import { askedView } from './asked-view.ts'
import { pager } from './pager.ts'

/** Who did what. */
export function auditTrail({ audit, now }: PageState, commands: PageCommands): TemplateResult {
  return html`${askedView(audit, 'the audit', (found) => auditTable(found, now, commands))}`
}

function auditTable(
  { entries, size, root }: ConsoleAudit,
  now: number,
  commands: PageCommands,
): TemplateResult {
  if (entries.length === 0) return html`<p class="empty">Nothing was done yet.</p>`
  return html`<dl class="facts inline">
      <div><dt>Entries</dt><dd>${size}</dd></div>
      <div><dt>Root of their tree</dt><dd>${fingerprint(root)}</dd></div>
      <div><dt>Checked by</dt><dd><code>mtls audit</code></dd></div>
    </dl>
    <table>
      <thead><tr><th scope="col" class="number">No.</th><th scope="col">When</th><th scope="col">Who</th><th scope="col">Deed</th>
        <th scope="col">What</th></tr></thead>
      <tbody>${entries.map(
        ({
          number,
          at,
          actor,
          deed,
          text,
        }) => html`<tr><td class="number">${number}</td><td>${moment(at, now)}</td>
          <td>${actor}</td><th scope="row">${deed}</th><td class="wide">${text}</td></tr>`,
      )}</tbody>
    </table>
    ${pager({
      what: 'audit',
      highest: entries[0]!.number,
      lowest: entries.at(-1)!.number,
      newest: size,
      oldest: 1,
      onPage: commands.showAudit,
    })}`
}
