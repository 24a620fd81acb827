import type { ConsoleCertificate, ConsoleServiceDetail } from '@datapunk/protocol/console'
import { html, nothing, type TemplateResult } from 'lit-html'
import { fingerprint } from './fingerprint.ts'
import { moment, none } from './moment.ts'
import type { PageCommands } from './page-commands.ts'
import { mayAct, type PageState } from './page-state.ts'
import { SHOWN_CERTIFICATES } from './time-line.ts'

/** The certificates of a service, the newest first. */
export function certificateTable(
  { service, certificates }: ConsoleServiceDetail,
  state: PageState,
  commands: PageCommands,
): TemplateResult {
  if (certificates.length === 0) return html`<p class="hint">It has none yet.</p>`
  const deeds = (certificate: ConsoleCertificate) =>
    mayAct(state) && (certificate.state === 'current' || certificate.state === 'issued')
      ? html`<button type="button" class="link danger" aria-label="Revoke certificate ${certificate.serial}…"
          @click=${() => commands.consider({ kind: 'revoke', service, serial: certificate.serial })}>Revoke…</button>`
      : nothing
  return html`<ul class="certificates">${certificates.slice(0, SHOWN_CERTIFICATES).map(
    (certificate) => html`<li class=${certificate.state}>
      <div class="line">${fingerprint(certificate.serial)}<span class="badge">${certificate.state}</span>
        ${certificate.log === null ? nothing : proofButton(certificate, commands)}${deeds(certificate)}</div>
      <dl class="pairs small">
        <dt>Instance</dt><dd>${certificate.instance}</dd>
        <dt>Valid from</dt><dd>${moment(certificate.notBefore, state.now)}</dd>
        <dt>Valid until</dt><dd>${moment(certificate.notAfter, state.now)}</dd>
        ${revocation(certificate, state.now)}
        <dt>Signed by</dt><dd>${certificate.issuer}</dd>
        <dt>Logged in</dt><dd>${certificate.log ?? none}</dd>
        <dt>Staple</dt><dd>${stapleText(certificate, state.now)}</dd>
      </dl>
    </li>`,
  )}</ul>
  ${
    certificates.length > SHOWN_CERTIFICATES
      ? html`<p class="hint">And ${certificates.length - SHOWN_CERTIFICATES} earlier ones, in the log.</p>`
      : nothing
  }`
}

function proofButton({ serial }: ConsoleCertificate, commands: PageCommands): TemplateResult {
  const onClick = () => {
    commands.show('log')
    commands.prove(serial)
  }
  return html`<button type="button" class="link" aria-label="Check that ${serial} is in the log" @click=${onClick}>Check log</button>`
}

function revocation({ revokedAt, reason }: ConsoleCertificate, now: number): TemplateResult | typeof nothing {
  if (revokedAt === null) return nothing
  return html`<dt>Revoked</dt><dd class="bad">${moment(revokedAt, now)}${reason === null ? nothing : html`<br>${reason}`}</dd>`
}

function stapleText({ staple }: ConsoleCertificate, now: number): TemplateResult {
  return staple === null ? none : html`${staple.status}, until ${moment(staple.nextUpdate, now)}`
}
