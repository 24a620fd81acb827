import type { ConsoleState } from '@datapunk/protocol/console'
import { html, type TemplateResult } from 'lit-html'

/** Each state has a shape of its own, for whoever sees no difference in colours. Beside it stands its word. */
const shapes: Readonly<Record<ConsoleState, TemplateResult>> = {
  good: html`<svg class="mark good" viewBox="0 0 16 16" aria-hidden="true">
    <circle cx="8" cy="8" r="7"/><path d="M4.7 8.2l2.3 2.3 4.3-4.6"/>
  </svg>`,
  warning: html`<svg class="mark warning" viewBox="0 0 16 16" aria-hidden="true">
    <path class="body" d="M8 1.2L15.4 14.4H.6z"/><path d="M8 5.8v4.2M8 11.9v.6"/>
  </svg>`,
  bad: html`<svg class="mark bad" viewBox="0 0 16 16" aria-hidden="true">
    <path class="body" d="M8 .6L15.4 8 8 15.4.6 8z"/><path d="M5.7 5.7l4.6 4.6M10.3 5.7l-4.6 4.6"/>
  </svg>`,
  quiet: html`<svg class="mark quiet" viewBox="0 0 16 16" aria-hidden="true">
    <circle cx="8" cy="8" r="6.2"/><path d="M5.4 8h5.2"/>
  </svg>`,
}

export function stateMark(state: ConsoleState): TemplateResult {
  return shapes[state]
}

/** The mark with its word. */
export function stateText(state: ConsoleState): TemplateResult {
  return html`<span class="state ${state}">${stateMark(state)}<span>${state}</span></span>`
}
