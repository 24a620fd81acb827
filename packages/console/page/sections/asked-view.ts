import { html, nothing, type TemplateResult } from 'lit-html'
import { type Asked, presentValue } from '../page-state.ts'
import { prose } from '../text/prose.ts'
import { stateMark } from '../text/state-mark.ts'

/** Something that was asked for, or why it is not here. @param name `the log` */
export function askedView<Value>(
  asked: Asked<Value>,
  name: string,
  view: (value: Value) => TemplateResult,
): TemplateResult | typeof nothing {
  if (asked.kind === 'nothing') return nothing
  if (asked.kind === 'failed')
    return html`<p class="banner bad" role="alert">${stateMark('bad')}<span>${prose(asked.message)}</span></p>`
  const isHere = asked.kind === 'here' || asked.before !== undefined
  return isHere ? view(presentValue(asked) as Value) : html`<p class="empty">Asking for ${name}.</p>`
}
