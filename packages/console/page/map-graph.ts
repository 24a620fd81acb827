import type { ConsoleService, ConsoleView } from '@datapunk/protocol/console'
import { html, nothing, svg, type TemplateResult } from 'lit-html'
import { guard } from 'lit-html/directives/guard.js'
import { repeat } from 'lit-html/directives/repeat.js'
import { lastResult } from './last-result.ts'
import type { Pair } from './map-layers.ts'
import { type MapLayout, mapLayout } from './map-layout.ts'
import type { DrawnLine } from './map-lines.ts'
import type { Look } from './map-look.ts'
import { pairKey } from './mesh-view.ts'
import { serviceNode } from './service-node.ts'

/** More lines than these have their counts shown only where somebody points. */
const LABELLED_LINES = 40

const layoutOf = lastResult((services: readonly ConsoleService[], pairs: readonly Pair[], room: number) =>
  mapLayout(
    services.map(({ service }) => service),
    pairs,
    room,
  ),
)

const LEAST_SCALE = 0.8

export interface GraphOptions {
  readonly view: ConsoleView
  readonly pairs: readonly Pair[]
  readonly look: Look
  readonly room: number
}

/** The mesh as a graph: callers left, those they call right, lines as thick as they have connections. */
export function mapGraph({ view, pairs, look, room }: GraphOptions): TemplateResult {
  const layout = layoutFor(view, pairs, room)
  const scale = scaleFor(layout, room)
  const counts = new Map(view.links.map((link) => [pairKey(link), link.count]))
  const cut = new Set(look.cut.map(pairKey))
  return html`<svg class="graph ${layout.lines.length > LABELLED_LINES ? 'crowded' : ''} ${layout.node.height < 40 ? 'compact' : ''}"
    width=${layout.width * scale} height=${layout.height * scale} viewBox="0 0 ${layout.width} ${layout.height}">
    <defs>${arrow('arrow')}${arrow('arrow-near')}</defs>
    <g aria-hidden="true">${repeat(
      layout.lines,
      ({ pair }) => pairKey(pair),
      (line) => mapLine(line, counts.get(pairKey(line.pair)) ?? 0, look, cut.has(pairKey(line.pair))),
    )}</g>
    ${repeat(
      view.services,
      ({ service }) => service,
      (service) => placedNode(service, layout, look, view.mesh.bundle),
    )}
  </svg>`
}

/** Smaller than drawn where it is too wide, as long as it can be read. */
function scaleFor({ width }: MapLayout, room: number): number {
  return Math.min(1, Math.max(LEAST_SCALE, room / width))
}

/** As long as the names are the same, what changes of the services moves nothing. */
function layoutFor({ services }: ConsoleView, pairs: readonly Pair[], room: number): MapLayout {
  const key = services.map(({ service }) => service).join()
  if (key !== lastNames.key) lastNames = { key, services }
  return layoutOf(lastNames.services, pairs, room)
}

let lastNames: { readonly key: string; readonly services: readonly ConsoleService[] } = {
  key: '',
  services: [],
}

function placedNode(service: ConsoleService, layout: MapLayout, look: Look, bundle: string | null) {
  const { x, y } = layout.nodes.get(service.service)!
  const own = look.of(service)
  return svg`<foreignObject x=${x} y=${y} width=${layout.node.width} height=${layout.node.height}>${guard(
    [service, bundle, ...Object.values(own)],
    () => serviceNode(service, own, bundle),
  )}</foreignObject>`
}

function mapLine({ pair, path, label }: DrawnLine, count: number, look: Look, isCut: boolean) {
  const isNear = look.active === pair.caller || look.active === pair.callee
  const isFar = look.active !== undefined && !isNear
  const kind = ['line', count === 0 ? (isCut ? 'cut' : 'idle') : 'open', isNear && 'near', isFar && 'far']
  return svg`<g class=${kind.filter(Boolean).join(' ')} data-line=${pairKey(pair)}>
    <path d=${path} stroke-width=${strokeWidth(count)} marker-end="url(#${isNear ? 'arrow-near' : 'arrow'})"/>
    ${count === 0 ? nothing : svg`<text x=${label.x} y=${label.y}>${count}</text>`}
  </g>`
}

/** By the logarithm of the count: a thousand connections are no wall. */
function strokeWidth(count: number): number {
  return Math.round(10 * (1 + Math.min(5, Math.log2(count + 1) * 0.55))) / 10
}

function arrow(id: string) {
  return svg`<marker id=${id} viewBox="0 0 9 10" refX="0" refY="5" markerWidth="9" markerHeight="10"
    markerUnits="userSpaceOnUse" orient="auto"><path d="M0 .4L8 5 0 9.6z"/></marker>`
}
