import { nothing, svg, type TemplateResult } from 'lit-html'
import { pairKey } from '../mesh-view.ts'
import type { DrawnLine } from './map-lines.ts'

/** How a line stands out in the map. */
export interface LineLook {
  /** Connections; 0: there were some, and are no more. */
  readonly count: number
  /** They have just gone. */
  readonly isCut: boolean
  /** It begins or ends with what is pointed at. */
  readonly isNear: boolean
  /** Something is pointed at, and the line has nothing to do with it. */
  readonly isFar: boolean
  /** One of so many that thick lines would be a wall. */
  readonly isCrowded: boolean
}

/** Who calls whom, as thick as they have connections. */
export function mapLine({ pair, path }: DrawnLine, look: LineLook): TemplateResult<2> {
  const arrow = look.isNear ? 'arrow-near' : 'arrow'
  return svg`<path class=${classOf(look)} data-line=${pairKey(pair)} d=${path} stroke-width=${strokeWidth(look)}
    marker-end="url(#${arrow})"/>`
}

/** How many connections it stands for. All of them are drawn after the lines, which would hide them. */
export function lineLabel({ pair, label }: DrawnLine, look: LineLook): TemplateResult<2> | typeof nothing {
  if (look.count === 0) return nothing
  return svg`<text class=${classOf(look)} data-label=${pairKey(pair)} x=${label.x} y=${label.y}>${look.count}</text>`
}

function classOf({ count, isCut, isNear, isFar }: LineLook): string {
  const classes = ['line', count > 0 ? 'open' : isCut ? 'cut' : 'idle', isNear && 'near', isFar && 'far']
  return classes.filter(Boolean).join(' ')
}

/** By the logarithm of the count: a thousand connections are no wall either. */
function strokeWidth({ count, isCrowded }: LineLook): number {
  const [least, more] = isCrowded ? [0.8, 0.25] : [1, 0.55]
  return Math.round(10 * (least + Math.min(5, Math.log2(count + 1) * more))) / 10
}

/** The tip of a line, that its end leaves room for. */
export function arrow(id: string, isCrowded: boolean): TemplateResult<2> {
  return svg`<marker id=${id} viewBox="0 0 9 10" refX=${isCrowded ? -2.5 : 0} refY="5" markerWidth=${isCrowded ? 6 : 9}
    markerHeight="10" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 .4L8 5 0 9.6z"/></marker>`
}
