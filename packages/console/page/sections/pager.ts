import { html, type TemplateResult } from 'lit-html'

export interface PagerOptions {
  /** What is paged, for the names of the buttons. */
  readonly what: string
  /** Numbers of the first and the last entry that are shown. */
  readonly highest: number
  readonly lowest: number
  /** The highest there is, and the lowest. */
  readonly newest: number
  readonly oldest: number
  /** @param before entries with a smaller number; undefined: the newest */
  readonly onPage: (before: number | undefined) => void
}

/** Goes through entries that are shown the newest first. */
export function pager({ what, highest, lowest, newest, oldest, onPage }: PagerOptions): TemplateResult {
  return html`<div class="pager" role="group" aria-label="Pages of the ${what}">
    <button type="button" ?disabled=${highest >= newest} @click=${() => onPage(undefined)}>Newest</button>
    <button type="button" ?disabled=${lowest <= oldest} @click=${() => onPage(lowest)}>Older</button>
    <span class="hint">${highest} to ${lowest} of ${newest - oldest + 1}</span>
  </div>`
}
