import { html, type TemplateResult } from 'lit-html'

const special = /`([^`]+)`|(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/

/** Text for people, in which what stands between backticks is something to type, and a time is not broken in two. */
export function prose(text: string): TemplateResult {
  // Two groups: every third part is plain.
  return html`${text.split(special).map((part, at) => {
    if (part === undefined) return ''
    return at % 3 === 0 ? part : at % 3 === 1 ? html`<code>${part}</code>` : html`<time>${part}</time>`
  })}`
}
