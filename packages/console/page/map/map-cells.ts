import type { ConsoleLink, ConsoleService, ConsoleView } from '@datapunk/protocol/console'
import { html, nothing, svg, type TemplateResult } from 'lit-html'
import { guard } from 'lit-html/directives/guard.js'
import { repeat } from 'lit-html/directives/repeat.js'
import { type CellGrid, cellGrid } from './cell-grid.ts'
import type { Look } from './map-look.ts'
import { serviceNode } from './service-node.ts'

export interface CellsOptions {
  readonly view: ConsoleView
  readonly shown: readonly ConsoleService[]
  readonly look: Look
  readonly room: number
}

/** A mesh of many services: a cell for each, in the order of their names, and lines only from the one that is pointed at. */
export function mapCells({ view, shown, look, room }: CellsOptions): TemplateResult {
  const grid = cellGrid(shown.length, room)
  return html`<div class="cells-frame">
    <ul class="cells">${repeat(
      shown,
      ({ service }) => service,
      (service) => {
        const own = look.of(service)
        return guard(
          [service, view.mesh.bundle, ...Object.values(own)],
          () => html`<li>${serviceNode(service, own, view.mesh.bundle)}</li>`,
        )
      },
    )}</ul>
    ${look.active === undefined ? nothing : activeLines(look.active, view.links, shown, grid)}
  </div>`
}

function activeLines(
  active: string,
  links: readonly ConsoleLink[],
  shown: readonly ConsoleService[],
  grid: CellGrid,
): TemplateResult {
  const placeOf = new Map(shown.map(({ service }, at) => [service, at]))
  const own = links.filter(
    ({ caller, callee }) =>
      caller !== callee &&
      (caller === active || callee === active) &&
      placeOf.has(caller) &&
      placeOf.has(callee),
  )
  return html`<svg class="cell-lines" width=${grid.width} height=${grid.height} aria-hidden="true">
    ${own.map(({ caller, callee }) => {
      const [from, to] = [grid.middle(placeOf.get(caller)!), grid.middle(placeOf.get(callee)!)]
      return svg`<path d="M${from.x},${from.y}L${to.x},${to.y}"/><circle cx=${to.x} cy=${to.y} r="3"/>`
    })}
  </svg>`
}
