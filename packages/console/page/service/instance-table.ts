import type { ConsoleInstance, ConsoleService } from '@datapunk/protocol/console'
import { html, nothing, type TemplateResult } from 'lit-html'
import { momentOrNone, none } from '../text/moment.ts'

/** Where the keys of a service live, and what runs there. */
export function instanceTable(
  { instances }: ConsoleService,
  bundle: string | null,
  now: number,
): TemplateResult {
  return html`<h3>Instances</h3>
    ${
      instances.length === 0
        ? html`<p class="hint">None yet.</p>`
        : html`<table>
          <thead><tr><th scope="col">Instance</th><th scope="col">Live</th><th scope="col">Enforces</th>
            <th scope="col">Renewal</th></tr></thead>
          <tbody>${instances.map((instance) => instanceRow(instance, bundle, now))}</tbody>
        </table>`
    }`
}

const deliveries: Readonly<Record<ConsoleInstance['delivery'], string>> = {
  proven: 'proven',
  'by-file': 'by file',
  unheard: 'unheard',
}

function instanceRow(instance: ConsoleInstance, bundle: string | null, now: number): TemplateResult {
  const { place, delivery, live, enforced } = instance
  return html`<tr>
    <th scope="row">${instance.instance}<span class="sub">${place === 'elsewhere' ? 'elsewhere, ' : ''}${deliveries[delivery]}</span></th>
    <td class="number">${live}</td>
    <td class="number ${enforced !== null && enforced !== bundle ? 'warning' : ''}">${enforced ?? none}${
      enforced !== null && enforced !== bundle ? html`<span class="visually-hidden">, behind</span>` : nothing
    }</td>
    <td>${momentOrNone(instance.renewalDue, now)}</td>
  </tr>`
}
