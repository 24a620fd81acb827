import type { ConsolePeer } from '@datapunk/protocol/console'
import { html, nothing, type TemplateResult } from 'lit-html'
import { fingerprint } from '../text/fingerprint.ts'
import { moment, none } from '../text/moment.ts'
import { prose } from '../text/prose.ts'

/** The processes of a service that speak to the authority, and whom they have refused. */
export function peerList(peers: readonly ConsolePeer[], now: number): TemplateResult {
  return html`<h3>Peers</h3>
    ${
      peers.length === 0
        ? html`<p class="hint">No process of it speaks to the authority now.</p>`
        : html`<ul class="peers">${peers.map((peer) => peerItem(peer, now))}</ul>`
    }`
}

function peerItem(peer: ConsolePeer, now: number): TemplateResult {
  return html`<li>
    <div class="headline"><strong>${peer.instance}</strong><span class="sub">version ${peer.version}</span></div>
    <dl class="pairs small">
      <dt>Since</dt><dd>${moment(peer.since, now)}</dd>
      <dt>Shows</dt><dd>${fingerprint(peer.serial)}</dd>
      <dt>Enforces</dt><dd>${peer.enforced ?? none}</dd>
      <dt>Open</dt><dd>${peer.open} connections</dd>
      <dt>Refused</dt><dd>${counts(peer.refused)}</dd>
      ${Object.keys(peer.reported).length === 0 ? nothing : html`<dt>Would refuse</dt><dd>${counts(peer.reported)}</dd>`}
      ${
        peer.refusal === null
          ? nothing
          : html`<dt>Does not believe</dt><dd class="bad"><code>${peer.refusal.rule}</code> ${prose(peer.refusal.message)}</dd>`
      }
    </dl>
  </li>`
}

function counts(byRule: Readonly<Record<string, number>>): TemplateResult | string {
  const rules = Object.entries(byRule)
  if (rules.length === 0) return 'nobody'
  return html`${rules.map(([rule, count]) => html`<span class="count">${count} × <code>${rule}</code></span> `)}`
}
