import type { ConsoleService } from '@datapunk/protocol/console'
import { html, svg, type TemplateResult } from 'lit-html'
import { guard } from 'lit-html/directives/guard.js'
import { repeat } from 'lit-html/directives/repeat.js'
import { type MeshView, pairKey } from '../mesh-view.ts'
import { lastResult } from './last-result.ts'
import { type MapLayout, mapLayout } from './map-layout.ts'
import { arrow, type LineLook, lineLabel, mapLine } from './map-line.ts'
import type { DrawnLine } from './map-lines.ts'
import type { Look } from './map-look.ts'
import { serviceNode } from './service-node.ts'

/** More lines than these are thin, and have their counts shown only where somebody points. */
const MAX_ROOMY_LINES = 40

/** Beyond this nothing can be read any more: it is rather moved to and fro. */
const LEAST_SCALE = 0.8

const layoutOf = lastResult(mapLayout)

/** The mesh as a graph: callers left, those they call right. @param room how wide it may be, in pixels */
export function mapGraph({ view, names, pairs }: MeshView, look: Look, room: number): TemplateResult {
  const layout = layoutOf(names, pairs, room)
  const { width, height, lines, node } = layout
  const scale = Math.min(1, Math.max(LEAST_SCALE, room / width))
  const isCrowded = lines.length > MAX_ROOMY_LINES
  const counts = new Map(view?.links.map((link) => [pairKey(link), link.count]))
  const cut = new Set(look.cut.map(pairKey))
  const lookOf = ({ pair }: DrawnLine): LineLook => {
    const key = pairKey(pair)
    const isNear = look.active === pair.caller || look.active === pair.callee
    const isFar = look.active !== undefined && !isNear
    return { count: counts.get(key) ?? 0, isCut: cut.has(key), isNear, isFar, isCrowded }
  }
  return html`<svg class="graph ${isCrowded ? 'crowded' : ''} ${node.isCompact ? 'compact' : ''}"
    width=${width * scale} height=${height * scale} viewBox="0 0 ${width} ${height}">
    <defs>${arrow('arrow', isCrowded)}${arrow('arrow-near', isCrowded)}</defs>
    <g aria-hidden="true">${repeat(lines, keyOf, (line) => mapLine(line, lookOf(line)))}</g>
    <g aria-hidden="true">${repeat(lines, keyOf, (line) => lineLabel(line, lookOf(line)))}</g>
    ${repeat(
      view?.services ?? [],
      ({ service }) => service,
      (service) => placedNode(service, layout, look, view?.mesh.bundle ?? null),
    )}
  </svg>`
}

function keyOf({ pair }: DrawnLine): string {
  return pairKey(pair)
}

function placedNode(service: ConsoleService, { nodes, node }: MapLayout, look: Look, bundle: string | null) {
  const { x, y } = nodes.get(service.service)!
  const own = look.of(service)
  return svg`<foreignObject x=${x} y=${y} width=${node.width} height=${node.height}>${guard(
    [service, bundle, ...Object.values(own)],
    () => serviceNode(service, own, bundle),
  )}</foreignObject>`
}
