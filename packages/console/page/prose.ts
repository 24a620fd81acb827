import { html, type TemplateResult } from 'lit-html'

/** Text for people, in which what stands between backticks is something to type. */
export function prose(text: string): TemplateResult {
  return html`${text.split('`').map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : part))}`
}
