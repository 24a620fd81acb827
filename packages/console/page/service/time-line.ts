import type { ConsoleCertificate } from '@datapunk/protocol/console'
import { html, nothing, svg, type TemplateResult } from 'lit-html'
import { placeOf, type Stretch, ticksOf, wholeOf } from './time-line-geometry.ts'

/** Earlier ones are in the log. */
export const SHOWN_CERTIFICATES = 8

const WIDTH = 372
const ROW = 14
const BAR = 8
const AXIS = 18

/** When each certificate is valid: a bar each, the newest on top, and a line at now. */
export function timeLine(
  certificates: readonly ConsoleCertificate[],
  now: number,
): TemplateResult | typeof nothing {
  if (certificates.length === 0) return nothing
  const shown = certificates.slice(0, SHOWN_CERTIFICATES)
  const whole = wholeOf(
    shown.map(({ notBefore, notAfter }) => ({ from: notBefore, to: notAfter })),
    now,
  )
  const height = shown.length * ROW + AXIS
  const at = placeOf(now, whole, WIDTH)
  return html`<svg class="time-line" viewBox="0 0 ${WIDTH} ${height}" role="img"
    aria-label="When its ${shown.length} newest certificates are valid; the list below says the same">
    ${ticksOf(whole).map(({ at, label }) => tick(placeOf(at, whole, WIDTH), label, height))}
    ${shown.map((certificate, row) => bar(certificate, row * ROW + (ROW - BAR) / 2, whole))}
    <line class="now" x1=${at} x2=${at} y1="0" y2=${height - AXIS + 2}/>
  </svg>`
}

function tick(x: number, label: string, height: number) {
  const anchor = x < 20 ? 'start' : x > WIDTH - 20 ? 'end' : 'middle'
  return svg`<line class="tick" x1=${x} x2=${x} y1="0" y2=${height - AXIS + 2}/>
    <text x=${x} y=${height - 4} text-anchor=${anchor}>${label}</text>`
}

function bar(
  { serial, state, notBefore, notAfter, revokedAt }: ConsoleCertificate,
  y: number,
  whole: Stretch,
) {
  const [from, to] = [placeOf(notBefore, whole, WIDTH), placeOf(notAfter, whole, WIDTH)]
  const end = revokedAt === null ? to : Math.max(from, Math.min(to, placeOf(revokedAt, whole, WIDTH)))
  return svg`<g class="bar ${state}"><title>${serial}, ${state}</title>
    <rect class="whole" x=${from} y=${y} width=${Math.max(2, to - from)} height=${BAR} rx="2"/>
    ${
      revokedAt === null
        ? nothing
        : svg`<rect class="lived" x=${from} y=${y} width=${Math.max(2, end - from)} height=${BAR} rx="2"/>
      <path class="cross" d="M${end - 3},${y + 1}l6,6m0,-6l-6,6"/>`
    }
  </g>`
}
