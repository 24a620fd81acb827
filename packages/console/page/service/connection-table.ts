import type { ConsoleLink } from '@datapunk/protocol/console'
import { html, type TemplateResult } from 'lit-html'
import type { PageCommands } from '../page-commands.ts'

/** With whom a service is connected: what the lines of the map show, in words. */
export function connectionTable(
  service: string,
  links: readonly ConsoleLink[],
  commands: PageCommands,
): TemplateResult {
  const calls = links.filter(({ caller }) => caller === service)
  const called = links.filter(({ callee }) => callee === service)
  return html`<h3>Connections</h3>
    ${
      calls.length + called.length === 0
        ? html`<p class="hint">None are open.</p>`
        : html`<table>
          <thead><tr><th scope="col">Direction</th><th scope="col">Service</th><th scope="col" class="number">Open</th></tr></thead>
          <tbody>
            ${calls.map(({ callee, count }) => row('calls', callee, count, commands))}
            ${called.map(({ caller, count }) => row('called by', caller, count, commands))}
          </tbody>
        </table>`
    }`
}

function row(direction: string, other: string, count: number, commands: PageCommands): TemplateResult {
  return html`<tr><td>${direction}</td>
    <td><button type="button" class="link" @click=${() => commands.select(other)}>${other}</button></td>
    <td class="number">${count}</td></tr>`
}
