import type { ConsoleView } from '@datapunk/protocol/console'
import { html, nothing, type TemplateResult } from 'lit-html'
import type { PageCommands } from '../page-commands.ts'
import { type Asked, type PageState, type Section, sections } from '../page-state.ts'
import type { RestOfPage } from '../rest-loader.ts'
import { askedView } from './asked-view.ts'
import { dueList } from './due-list.ts'

const titles: Readonly<Record<Section, string>> = {
  due: 'Due',
  'roll-over': 'Roll-over',
  revocations: 'Revocations',
  log: 'Log',
  audit: 'Audit',
  events: 'Events',
}

/** What else there is to know of the mesh, a tab each. */
export function sectionTabs(
  state: PageState,
  rest: Asked<RestOfPage>,
  view: ConsoleView,
  commands: PageCommands,
): TemplateResult {
  const { section } = state
  return html`<section class="sections" aria-label="More of the mesh">
    <div role="tablist" aria-label="More of the mesh" @keydown=${onKey(state, commands)}>${sections.map(
      (one) => html`<button type="button" role="tab" id="tab-${one}" aria-controls="section"
        aria-selected=${one === section ? 'true' : 'false'} tabindex=${one === section ? 0 : -1}
        @click=${() => commands.show(one)}>${titles[one]}${count(one, view)}</button>`,
    )}</div>
    <div role="tabpanel" id="section" aria-labelledby="tab-${section}" tabindex="0">
      ${
        section === 'due'
          ? dueList(view.mesh, state.now)
          : askedView(rest, 'this part of the page', (loaded) =>
              content(section, loaded, state, view, commands),
            )
      }
    </div>
  </section>`
}

function content(
  section: Exclude<Section, 'due'>,
  rest: RestOfPage,
  state: PageState,
  view: ConsoleView,
  commands: PageCommands,
): TemplateResult {
  const { now } = state
  switch (section) {
    case 'roll-over':
      return rest.rollOver(view, now, commands)
    case 'revocations':
      return rest.revocationList(view.revocations, now)
    case 'log':
      return rest.logView(state, commands)
    case 'audit':
      return rest.auditTrail(state, commands)
    case 'events':
      return rest.eventList(state.mesh.events, now)
  }
}

/** How much waits there for somebody to look. */
function count(section: Section, { mesh, revocations }: ConsoleView) {
  const found = {
    'roll-over': mesh.rolls.length + mesh.asks.length,
    revocations: revocations.filter(({ pending }) => pending).length,
    due: 0,
    log: 0,
    audit: 0,
    events: 0,
  }[section]
  return found === 0 ? nothing : html` <span class="badge warning">${found} waiting</span>`
}

function onKey({ section }: PageState, commands: PageCommands) {
  return (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (step === undefined) return
    event.preventDefault()
    const next = sections[(sections.indexOf(section) + step + sections.length) % sections.length]!
    commands.show(next)
    document.getElementById(`tab-${next}`)?.focus()
  }
}
