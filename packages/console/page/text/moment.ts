import { html, type TemplateResult } from 'lit-html'
import { relativeText, timeText } from './time-text.ts'

/** A time in UTC, and how far it is from now. Both in milliseconds since the epoch. */
export function moment(time: number, now: number): TemplateResult {
  const text = timeText(time)
  return html`<span class="moment"><time datetime=${text}>${text}</time>
    <span class="relative">${relativeText(time, now)}</span></span>`
}

/** What can't be there yet, or is not known. */
export const none: TemplateResult = html`<span class="none">–</span>`

export function momentOrNone(time: number | null, now: number): TemplateResult {
  return time === null ? none : moment(time, now)
}
