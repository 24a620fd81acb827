import { html, nothing, type TemplateResult } from 'lit-html'
import type { PageCommands } from './page-commands.ts'
import type { PageState } from './page-state.ts'
import { prose } from './text/prose.ts'
import { stateMark } from './text/state-mark.ts'

/** What is wrong as a whole, and what was done last. */
export function banners(state: PageState, commands: PageCommands): TemplateResult {
  const { mesh, connection, done } = state
  const faults = mesh.view?.mesh.faults ?? []
  return html`<div class="banners">
    ${
      connection.kind === 'reconnecting'
        ? banner(
            'warning',
            `${connection.reason ?? 'The connection to the console broke off.'} What is shown is what it said last.`,
          )
        : nothing
    }
    ${
      mesh.unreachable === undefined
        ? nothing
        : banner('bad', `${mesh.unreachable} What is shown is what it said last.`)
    }
    ${faults.map((fault) => banner('bad', fault))}
    ${
      done === undefined
        ? nothing
        : html`<p class="banner ${done.state}">${stateMark(done.state)}<span>${prose(done.text)}</span>
            <button type="button" class="plain" @click=${() => commands.acknowledge()}>Dismiss</button></p>`
    }
  </div>`
}

function banner(state: 'warning' | 'bad', text: string): TemplateResult {
  return html`<p class="banner ${state}">${stateMark(state)}<span>${prose(text)}</span></p>`
}
