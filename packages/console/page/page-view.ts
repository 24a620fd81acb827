import { html, nothing, type TemplateResult } from 'lit-html'
import { banners } from './banners.ts'
import { meshMap } from './map/mesh-map.ts'
import type { PageCommands } from './page-commands.ts'
import { pageHeader } from './page-header.ts'
import { type Asked, type PageState, presentValue } from './page-state.ts'
import type { RestOfPage } from './rest-loader.ts'
import { askedView } from './sections/asked-view.ts'
import { sectionTabs } from './sections/section-tabs.ts'
import { overviewPanel } from './service/overview-panel.ts'
import { entryHint } from './session/entry-hint.ts'

/** The whole page. */
export function pageView(state: PageState, rest: Asked<RestOfPage>, commands: PageCommands): TemplateResult {
  if (state.entry.kind !== 'open')
    return html`${pageHeader(state, commands)}<main class="shut">${entryHint(state.entry)}</main>`
  const { view } = state.mesh
  return html`${pageHeader(state, commands)}
    <main>
      ${banners(state, commands)}
      ${meshMap(state, commands)}
      <aside class="panel ${state.selected === undefined ? 'overview' : ''}" aria-labelledby="panel-title" tabindex="-1">${panel(
        state,
        rest,
        commands,
      )}</aside>
      ${view === undefined ? nothing : sectionTabs(state, rest, view, commands)}
    </main>
    ${presentValue(rest)?.planDialog(state.dialog, commands) ?? nothing}`
}

function panel(
  state: PageState,
  rest: Asked<RestOfPage>,
  commands: PageCommands,
): TemplateResult | typeof nothing {
  const { view } = state.mesh
  if (view === undefined) return html`<h2 id="panel-title">Overview</h2>`
  const service = view.services.find((one) => one.service === state.selected)
  if (service === undefined) return overviewPanel(view, state.now, commands)
  return askedView(rest, 'its panel', (loaded) => loaded.servicePanel(service, state, commands))
}
