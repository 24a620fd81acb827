import type { ConsoleService, ConsoleState } from '@datapunk/protocol/console'
import { html, nothing, type TemplateResult } from 'lit-html'
import { live } from 'lit-html/directives/live.js'
import type { PageCommands } from '../page-commands.ts'
import type { PageState } from '../page-state.ts'
import { countText } from '../text/count-text.ts'
import { stateMark } from '../text/state-mark.ts'
import { mapCells } from './map-cells.ts'
import { mapGraph } from './map-graph.ts'
import { filtered, mapLook } from './map-look.ts'
import { nearestTowards } from './nearest.ts'

/** More services than these are shown as cells. */
const MAX_GRAPH = 60

const states = ['bad', 'warning', 'good', 'quiet'] as const satisfies readonly ConsoleState[]

/** Every service, how it is, and what is connected. */
export function meshMap(state: PageState, commands: PageCommands): TemplateResult {
  const services = state.mesh.view?.services ?? []
  return html`<section class="mesh" aria-labelledby="mesh-title">
    <div class="bar">
      <h2 id="mesh-title">Services</h2>
      ${services.length === 0 ? nothing : filters(services, state, commands)}
    </div>
    <div class="map" @click=${onClick(commands)} @keydown=${onKey}
      @pointerover=${onPoint(commands)} @pointerleave=${() => commands.hover(undefined)}
      @focusin=${onPoint(commands)} @focusout=${() => commands.hover(undefined)}>
      ${content(state)}
    </div>
  </section>`
}

function content(state: PageState): TemplateResult {
  const { view } = state.mesh
  if (view === undefined) return html`<p class="empty">Waiting for the first word of the mesh.</p>`
  if (view.services.length === 0)
    return html`<p class="empty"><strong>No services yet.</strong>
      Name them in <code>mtls-config.yaml</code>, then <code>mtls apply</code>.</p>`
  const shown = filtered(view.services, state.filter)
  const look = mapLook(state, shown)
  const room = state.mapWidth
  if (view.services.length <= MAX_GRAPH) return mapGraph(state.mesh, look, room)
  if (shown.length === 0) return html`<p class="empty">No service is like that.</p>`
  return mapCells({ view, shown, look, room })
}

function filters(services: readonly ConsoleService[], { filter }: PageState, commands: PageCommands) {
  const counts = Map.groupBy(services, ({ state }) => state)
  return html`<div class="states" role="group" aria-label="Show only">${states.map((state) => {
    const count = counts.get(state)?.length ?? 0
    const isOn = filter.state === state
    return html`<button type="button" class="chip ${state}" aria-pressed=${isOn ? 'true' : 'false'}
      ?disabled=${count === 0 && !isOn} @click=${() => commands.filter({ state: isOn ? undefined : state })}>
      ${stateMark(state)}<span>${countText(count)} ${state}</span></button>`
  })}</div>
  <input type="search" id="find" class="find" placeholder="Find a service" aria-label="Find a service"
    aria-keyshortcuts="/" autocomplete="off" spellcheck="false" .value=${live(filter.text)}
    @input=${(event: InputEvent) => commands.filter({ text: (event.target as HTMLInputElement).value })}>`
}

function onClick(commands: PageCommands) {
  return (event: Event) => {
    const button = buttonOf(event)
    if (button === null) return
    const name = button.dataset.service
    commands.select(button.ariaPressed === 'true' ? undefined : name)
  }
}

function onPoint(commands: PageCommands) {
  return (event: Event) => commands.hover(buttonOf(event)?.dataset.service)
}

/** Arrow keys go to the next service in their direction, Home and End to the first and the last. */
function onKey(event: KeyboardEvent): void {
  const from = buttonOf(event)
  if (from === null) return
  const buttons = [...(event.currentTarget as Element).querySelectorAll<HTMLElement>('[data-service]')]
  const next = targetOf(event.key, from, buttons)
  if (next === undefined) return
  event.preventDefault()
  next.focus()
}

function targetOf(key: string, from: Element, buttons: readonly HTMLElement[]): HTMLElement | undefined {
  if (key === 'Home') return buttons[0]
  if (key === 'End') return buttons.at(-1)
  const found = nearestTowards(key, middleOf(from), buttons.map(middleOf))
  return found === undefined ? undefined : buttons[found]
}

function middleOf(element: Element): { x: number; y: number } {
  const { left, top, width, height } = element.getBoundingClientRect()
  return { x: left + width / 2, y: top + height / 2 }
}

function buttonOf(event: Event): HTMLElement | null {
  return (event.target as Element).closest<HTMLElement>('[data-service]')
}
