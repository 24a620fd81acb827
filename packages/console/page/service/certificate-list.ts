import type { ConsoleCertificate, ConsoleServiceDetail } from '@datapunk/protocol/console'
import { html, nothing, type TemplateResult } from 'lit-html'
import { repeat } from 'lit-html/directives/repeat.js'
import type { PageCommands } from '../page-commands.ts'
import { mayAct, type PageState } from '../page-state.ts'
import { fingerprint } from '../text/fingerprint.ts'
import { moment, none } from '../text/moment.ts'
import { relativeText } from '../text/time-text.ts'
import { SHOWN_CERTIFICATES } from './time-line.ts'

/** The certificates of a service, the newest first; those in use are open. */
export function certificateList(
  { service, certificates }: ConsoleServiceDetail,
  state: PageState,
  commands: PageCommands,
): TemplateResult {
  if (certificates.length === 0) return html`<p class="hint">It has none yet.</p>`
  const earlier = certificates.length - SHOWN_CERTIFICATES
  return html`<ul class="certificates">${repeat(
    certificates.slice(0, SHOWN_CERTIFICATES),
    ({ serial }) => serial,
    (certificate) => html`<li class=${certificate.state}>
      <details ?open=${certificate.state === 'current'}>
        <summary>${fingerprint(certificate.serial)} <span class="badge">${certificate.state}</span>
          <span class="relative">${endText(certificate.notAfter, state.now)}</span></summary>
        ${facts(certificate, state.now)}
        <div class="deeds">${proofButton(certificate, commands)}${
          mayAct(state) ? revokeButton(service, certificate, commands) : nothing
        }</div>
      </details>
    </li>`,
  )}</ul>
  ${earlier > 0 ? html`<p class="hint">And ${earlier} earlier ones, in the log.</p>` : nothing}`
}

function endText(notAfter: number, now: number): string {
  return `${notAfter > now ? 'ends' : 'ended'} ${relativeText(notAfter, now)}`
}

function facts(certificate: ConsoleCertificate, now: number): TemplateResult {
  const { serial, instance, notBefore, notAfter, issuer, log, staple } = certificate
  return html`<dl class="pairs small">
    <dt>Serial</dt><dd><code>${serial}</code></dd>
    <dt>Instance</dt><dd>${instance}</dd>
    <dt>Valid from</dt><dd>${moment(notBefore, now)}</dd>
    <dt>Valid until</dt><dd>${moment(notAfter, now)}</dd>
    ${revocation(certificate, now)}
    <dt>Signed by</dt><dd>${issuer}</dd>
    <dt>Logged in</dt><dd>${log ?? none}</dd>
    <dt>Staple</dt><dd>${staple === null ? none : html`${staple.status}, until ${moment(staple.nextUpdate, now)}`}</dd>
  </dl>`
}

function revocation({ revokedAt, reason }: ConsoleCertificate, now: number): TemplateResult | typeof nothing {
  if (revokedAt === null) return nothing
  return html`<dt>Revoked</dt><dd class="bad">${moment(revokedAt, now)}${reason === null ? nothing : html`${reason}`}</dd>`
}

function proofButton(
  { serial, log }: ConsoleCertificate,
  commands: PageCommands,
): TemplateResult | typeof nothing {
  if (log === null) return nothing
  const onClick = () => {
    commands.show('log')
    commands.prove(serial)
  }
  return html`<button type="button" class="link" aria-label="Check the log for ${serial}" @click=${onClick}>Check the log</button>`
}

function revokeButton(service: string, { serial, state }: ConsoleCertificate, commands: PageCommands) {
  if (state !== 'current' && state !== 'issued') return nothing
  return html`<button type="button" class="link danger" aria-label="Revoke… certificate ${serial}"
    @click=${() => commands.consider({ kind: 'revoke', service, serial })}>Revoke…</button>`
}
