import { html, type TemplateResult } from 'lit-html'

/** As many digits as `mtls status` shows. */
const SHOWN = 16

/** A serial or a hash, as far as people compare them; the whole of it for who points at it. @param text hex, or base64 */
export function fingerprint(text: string): TemplateResult {
  if (text.length <= SHOWN) return html`<code>${text}</code>`
  return html`<code class="cut-short" title=${text}>${text.slice(0, SHOWN)}</code>`
}
