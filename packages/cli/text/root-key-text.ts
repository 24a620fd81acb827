import { placeText, type RootKeyAsk, type RootKeyPlace } from '@datapunk/authority'
import type { AskDocument } from '../documents/roll-over.ts'
import { timeOrNull, timeText } from './time-text.ts'

/** `the key of root-1 is needed at /mnt/ca.key to make the next issuing CA (…), by 2029-05-31T23:00:00Z, when …`. */
export function askText({ step, keys, until }: RootKeyAsk): string {
  const places = keys.map((key) => `the key of ${key.slot} is needed at ${placeText(key)}`).join(', and ')
  const end =
    until === undefined
      ? 'Nothing ends meanwhile'
      : `It is needed by ${timeText(until)}: what is in use now ends then`
  return `${places}, ${purposeOf(step)} (${step.reason}). ${end}. Put it there (0600); \`mtls apply\` goes on`
}

function purposeOf(step: RootKeyAsk['step']): string {
  if (step.kind === 'compromise') return 'to replace an issuing CA that is revoked'
  if (step.kind === 'publish-lists') return 'to sign its next revocation list'
  if (step.kind !== 'prepare') return 'to sign the next trust statement'
  return step.slotKind === 'root' ? 'to sign the next root' : 'to sign the next issuing CA'
}

/** @param isRolling a roll-over is under way, and will ask once more */
export function takeAwayText({ slot, path }: RootKeyPlace, isRolling: boolean): string {
  const again = isRolling ? ', until the roll-over asks for it once more' : ''
  return `the key of ${slot} lies at ${path}, and nothing needs it now: take it away${again}`
}

/** As `--json` has it: times as text. */
export function askDocument({ step, keys, until }: RootKeyAsk): AskDocument {
  return { step, keys, until: timeOrNull(until) }
}
