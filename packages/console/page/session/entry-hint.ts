import { html, nothing, type TemplateResult } from 'lit-html'
import { prose } from '../text/prose.ts'
import { stateMark } from '../text/state-mark.ts'
import type { Entry } from './session.ts'

/** For whoever is not let in: why, and what to do. */
export function entryHint(entry: Entry): TemplateResult {
  if (entry.kind === 'entering') return html`<p class="empty">Logging in.</p>`
  const { reason, by } = entry.kind === 'shut' ? entry : { reason: undefined, by: 'link' }
  return html`<section class="entry" aria-labelledby="entry-title">
    <h2 id="entry-title">${by === 'link' ? 'A link lets you in' : 'Your certificate lets you in'}</h2>
    ${
      reason === undefined
        ? nothing
        : html`<p class="banner warning" role="alert">${stateMark('warning')}<span>${prose(reason)}</span></p>`
    }
    ${by === 'link' ? linkHint() : html`<p>Load this page again.</p>`}
  </section>`
}

function linkHint(): TemplateResult {
  return html`<p>On the machine of the authority, run:</p>
    <pre><code>mtls console</code></pre>
    <p>It prints a link that is good for five minutes, and once. With <code>--read-only</code> it lets you look, and change nothing.</p>`
}
