import { html, type TemplateResult } from 'lit-html'

/** As many digits as `mtls status` shows. */
const SHOWN = 16

/** A serial or a hash, as far as people compare them; the whole of it for who points at it. @param hex lowercase */
export function fingerprint(hex: string): TemplateResult {
  if (hex.length <= SHOWN) return html`<code>${hex}</code>`
  return html`<code class="cut-short" title=${hex}>${hex.slice(0, SHOWN)}</code>`
}
