import { html, nothing, type TemplateResult } from 'lit-html'
import type { PageCommands } from '../page-commands.ts'
import type { AskedParts, PageState } from '../page-state.ts'
import { presentValue } from '../page-state.ts'
import { fingerprint } from '../text/fingerprint.ts'
import { moment } from '../text/moment.ts'
import { stateMark } from '../text/state-mark.ts'
import { hexText } from './octets.ts'
import type { ProofCheck, ProofStep } from './proof.ts'

/** What this browser has checked, step by step, and its verdict. */
export function proofView(proof: PageState['proof'], commands: PageCommands, now: number): TemplateResult {
  const found = presentValue(proof)
  return html`<section class="proof" aria-labelledby="proof-title">
    <div class="title"><h3 id="proof-title">Proof</h3>
      <button type="button" class="plain close" @click=${() => commands.prove(undefined)}>Close</button></div>
    ${proof.kind === 'failed' ? verdict('bad', 'Not proven', proof.message) : nothing}
    ${found === undefined ? nothing : checked(found, now)}
  </section>`
}

function checked({ serial, check }: AskedParts['proof'], now: number): TemplateResult {
  return html`${
    check.failure === undefined
      ? verdict(
          'good',
          'Proven',
          `certificate ${serial} is in the log. This browser hashed every step, and checked the signature of the log’s key.`,
        )
      : verdict('bad', 'Not proven', check.failure)
  }
  <ol class="steps">${leafStep(check, now)}${check.steps.map(siblingStep)}${rootStep(check)}${signatureStep(check, now)}</ol>
  <p class="hint">That this key is the log’s is the word of the console, which has it from the trust statement. <code>mtls log</code>
    checks it without a browser.</p>`
}

function verdict(state: 'good' | 'bad', word: string, text: string): TemplateResult {
  return html`<p class="verdict ${state}" role="status">${stateMark(state)}<span><strong>${word}:</strong> ${text}</span></p>`
}

function leafStep({ leaf, leafHash }: ProofCheck, now: number) {
  if (leaf === undefined || leafHash === undefined) return nothing
  return html`<li><span class="what">Leaf</span>
    <span>${leaf.kind} ${fingerprint(leaf.serial)}, entry ${leaf.index}, logged ${moment(leaf.loggedAt, now)}</span>
    <span class="hash">SHA-256(00 ‖ leaf) = ${hash(leafHash)}</span></li>`
}

function siblingStep({ side, sibling, hash: result }: ProofStep, at: number) {
  return html`<li><span class="what">Level ${at + 1}</span>
    <span>with its sibling on the ${side} ${hash(sibling)}</span>
    <span class="hash">${side === 'left' ? 'SHA-256(01 ‖ sibling ‖ hash)' : 'SHA-256(01 ‖ hash ‖ sibling)'} = ${hash(result)}</span></li>`
}

function rootStep({ checkpoint, steps, leafHash }: ProofCheck) {
  if (checkpoint === undefined) return nothing
  const reached = steps.at(-1)?.hash ?? leafHash
  const isSame = reached !== undefined && hexText(reached) === hexText(checkpoint.root)
  return html`<li class=${isSame ? 'good' : 'bad'}><span class="what">Root</span>
    <span>${isSame ? 'is' : 'is not'} the root of the checkpoint of ${checkpoint.size} entries</span>
    <span class="hash">${hash(checkpoint.root)}</span></li>`
}

function signatureStep({ checkpoint, logId }: ProofCheck, now: number) {
  if (checkpoint === undefined) return nothing
  return html`<li class=${logId === undefined ? 'bad' : 'good'}><span class="what">Signature</span>
    <span>${logId === undefined ? 'not shown to be' : 'is'} by the key of ${checkpoint.origin}, signed ${moment(checkpoint.signedAt, now)}</span>
    ${logId === undefined ? nothing : html`<span class="hash">key ${hash(logId)}</span>`}</li>`
}

function hash(octets: Uint8Array): TemplateResult {
  return html`<code>${hexText(octets)}</code>`
}
