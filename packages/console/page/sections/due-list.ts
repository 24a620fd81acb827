import type { ConsoleDue, ConsoleMesh } from '@datapunk/protocol/console'
import { html, type TemplateResult } from 'lit-html'
import { moment } from '../text/moment.ts'

const deeds: Readonly<Record<ConsoleDue['kind'], string>> = {
  renewal: 'is renewed',
  end: 'ends',
  signature: 'is signed anew',
  'roll-over': 'begins to roll over',
}

/** What will be done, or ends, the soonest first, and what ends the mesh if nothing is done. */
export function dueList({ due, outage }: ConsoleMesh, now: number): TemplateResult {
  return html`${
    outage === null
      ? html`<p class="hint">Nothing was published yet, so nothing ends.</p>`
      : html`<p class="lead">If the authority does nothing from now on, the mesh goes on until
          ${moment(outage.until, now)}: then ${outage.endedBy} ends.</p>`
  }
  ${
    due.length === 0
      ? html`<p class="empty">Nothing is due.</p>`
      : html`<table class="due">
        <thead><tr><th scope="col">When</th><th scope="col">What</th></tr></thead>
        <tbody>${due.map(
          ({ at, kind, subject }) => html`<tr class=${at < now ? 'overdue' : ''}>
            <td>${moment(at, now)}</td><td><strong>${subject}</strong> ${deeds[kind]}</td></tr>`,
        )}</tbody>
      </table>`
  }`
}
