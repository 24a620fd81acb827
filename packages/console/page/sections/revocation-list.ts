import type { ConsoleRevocation } from '@datapunk/protocol/console'
import { html, type TemplateResult } from 'lit-html'
import { repeat } from 'lit-html/directives/repeat.js'
import { fingerprint } from '../text/fingerprint.ts'
import { moment } from '../text/moment.ts'
import { stateMark } from '../text/state-mark.ts'
import { durationText } from '../text/time-text.ts'

/** What was revoked, and how long it took until every live peer enforced it. */
export function revocationList(revocations: readonly ConsoleRevocation[], now: number): TemplateResult {
  if (revocations.length === 0) return html`<p class="empty">Nothing was ever revoked.</p>`
  return html`<table>
    <thead><tr><th scope="col" class="number">No.</th><th scope="col">Revoked</th><th scope="col">Of</th><th scope="col">Serial</th>
      <th scope="col">Reason</th><th scope="col">Enforced by every live peer</th></tr></thead>
    <tbody>${repeat(
      revocations,
      ({ number }) => number,
      (one) => html`<tr>
        <td class="number">${one.number}</td>
        <td>${moment(one.at, now)}</td>
        <th scope="row">${one.service ?? 'the authority'}</th>
        <td>${fingerprint(one.serial)}</td>
        <td>${one.reason}</td>
        <td>${enforcement(one)}</td></tr>`,
    )}</tbody>
  </table>`
}

function enforcement({ enforcedAfter, pending }: ConsoleRevocation): TemplateResult {
  if (pending)
    return html`<span class="state warning">${stateMark('warning')}<span>not yet: peers are late</span></span>`
  if (enforcedAfter === null)
    return html`<span class="state quiet">${stateMark('quiet')}<span>not seen</span></span>`
  return html`<span class="state good">${stateMark('good')}<span>after <strong>${durationText(enforcedAfter)}</strong></span></span>`
}
