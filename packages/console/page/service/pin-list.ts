import type { ConsolePin } from '@datapunk/protocol/console'
import { html, type TemplateResult } from 'lit-html'
import { fingerprint } from '../text/fingerprint.ts'

const meanings: Readonly<Record<ConsolePin['of'], string>> = {
  current: 'of the certificate in use',
  next: 'of the next certificate',
  earlier: 'of an earlier certificate',
}

/** The keys that peers accept of a service. */
export function pinList(pins: readonly ConsolePin[]): TemplateResult {
  return html`<h3>Pins</h3>
    ${
      pins.length === 0
        ? html`<p class="hint">None: peers accept any key that is certified.</p>`
        : html`<ul class="pins">${pins.map(
            ({ spkiHash, of }) =>
              html`<li>${fingerprint(spkiHash)} <span class="sub">${meanings[of]}</span></li>`,
          )}</ul>`
    }`
}
