import type { ConsoleEvent } from '@datapunk/protocol/console'
import { html, type TemplateResult } from 'lit-html'
import { moment } from '../text/moment.ts'
import { prose } from '../text/prose.ts'
import { stateMark } from '../text/state-mark.ts'

/** What happened, the newest first. */
export function eventList(events: readonly ConsoleEvent[], now: number): TemplateResult {
  if (events.length === 0)
    return html`<p class="empty">Nothing has happened since the console was started.</p>`
  return html`<table>
    <thead><tr><th scope="col">When</th><th scope="col">Of</th><th scope="col">Event</th><th scope="col">What</th></tr></thead>
    <tbody>${events.map(
      ({ at, kind, subject, text, state }) => html`<tr>
        <td>${moment(Date.parse(at), now)}</td><th scope="row">${subject}</th>
        <td><span class="state ${state}">${stateMark(state)}<span>${kind.replaceAll('-', ' ')}</span></span></td>
        <td class="wide">${prose(text)}</td></tr>`,
    )}</tbody>
  </table>`
}
