import type { ConsolePlan } from '@datapunk/protocol/console'
import { html, nothing, type TemplateResult } from 'lit-html'
import type { RevokeReason } from '../command-options.ts'
import type { PageCommands } from '../page-commands.ts'
import { type Deed, type Dialog, planOf } from '../page-state.ts'
import { askedView } from '../sections/asked-view.ts'
import { prose } from '../text/prose.ts'
import { stateMark } from '../text/state-mark.ts'
import { deedTitle } from './plan-commands.ts'

const reasons: Readonly<Record<RevokeReason, string>> = {
  'key-compromise': 'its key is known to somebody else',
  'affiliation-changed': 'its subject has changed',
  superseded: 'another certificate has taken its place',
  'cessation-of-operation': 'the service is no more',
  'privilege-withdrawn': 'it may not take part any more',
}

/** What a deed would do, before it is done. */
export function planDialog(dialog: Dialog | undefined, commands: PageCommands): TemplateResult {
  return html`<dialog aria-labelledby="plan-title" @cancel=${onCancel(commands)}>
    ${dialog === undefined ? nothing : content(dialog, commands)}
  </dialog>`
}

function content(dialog: Dialog, commands: PageCommands): TemplateResult {
  const { deed } = dialog
  const plan = planOf(dialog)
  const isRunning = dialog.kind === 'running'
  return html`<h2 id="plan-title" tabindex="-1" data-first>${deedTitle(deed)}?</h2>
    ${deed.kind === 'revoke' ? reasonChoice(dialog, commands) : nothing}
    <div class="plan" aria-live="polite">${
      plan.kind === 'nothing'
        ? html`<p class="hint">Choose a reason to see what it would do.</p>`
        : askedView(plan, 'its plan', planView)
    }</div>
    ${dialog.kind === 'failed' ? html`<p class="banner bad" role="alert">${stateMark('bad')}<span>${prose(dialog.message)}</span></p>` : nothing}
    <div class="buttons">
      <button type="button" @click=${() => commands.dismiss()}>${isRunning ? 'Close' : 'Cancel'}</button>
      <button type="button" class=${deed.kind === 'revoke' ? 'danger solid' : 'solid'}
        ?disabled=${plan.kind !== 'here' || isRunning} @click=${() => commands.confirm()}>${
          isRunning ? runningText(deed) : deedTitle(deed)
        }</button>
    </div>`
}

function runningText({ kind, service }: Deed): string {
  return kind === 'rotate' ? `Rotating ${service}…` : `Revoking ${service}…`
}

function reasonChoice(dialog: Dialog, commands: PageCommands): TemplateResult {
  const { deed } = dialog
  const action = dialog.kind === 'choosing' ? undefined : dialog.action
  const chosen = action?.action === 'revoke' ? action.reason : undefined
  return html`<fieldset ?disabled=${dialog.kind === 'running'}><legend>Reason</legend>${(
    Object.entries(reasons) as [RevokeReason, string][]
  ).map(
    ([
      reason,
      meaning,
    ]) => html`<label><input type="radio" name="reason" value=${reason} .checked=${reason === chosen}
      @change=${() => commands.consider(deed, reason)}><span><strong>${reason}</strong> <span class="sub">${meaning}</span></span></label>`,
  )}</fieldset>`
}

function planView({ title, effects, command }: ConsolePlan): TemplateResult {
  return html`<h3>${title}</h3>
    <ul class="effects">${effects.map(
      ({ state, text }) =>
        html`<li>${stateMark(state)}<span><span class="visually-hidden">${state}: </span>${prose(text)}</span></li>`,
    )}</ul>
    <p class="hint">The same by command:</p><pre><code>${command}</code></pre>`
}

/** Escape closes it by way of the state, as everything else. */
function onCancel(commands: PageCommands) {
  return (event: Event) => {
    event.preventDefault()
    commands.dismiss()
  }
}
