import type { Config } from '@datapunk/protocol'
import type { SlotRow } from '../store/rows.ts'
import { DAY } from '../time.ts'
import type { Inventory } from './inventory.ts'

const YEAR = 365 * DAY

/** A bundle key signs every day, and is replaced every year. */
const BUNDLE_KEY_LIFE = YEAR

/** How long whoever answers OCSP requests is believed: nobody can revoke it. */
export const OCSP_SIGNER_LIFE = 30 * DAY

/** How long connections under an issuing CA that nobody needs any more are given to move over. */
export const DRAIN_TIME = 5 * 60 * 1000

/** When a certificate begins and ends, milliseconds since the epoch. */
export interface Life {
  readonly notBefore: number
  readonly notAfter: number
}

/**
 * When the next one of a CA or bundle key in use is to be prepared, or a log that retires may go.
 *
 * @param life of its certificate, where it has one
 * @returns milliseconds since the epoch; undefined where time alone brings nothing
 */
export function rollTime(
  { kind, state, since }: Pick<SlotRow, 'kind' | 'state' | 'since'>,
  life: Life | undefined,
  config: Config,
): number | undefined {
  if (kind === 'log') return state === 'retiring' ? since + logLife(config) : undefined
  if (state !== 'active') return undefined
  if (kind === 'bundle-key') return since + BUNDLE_KEY_LIFE
  const longestChild = kind === 'root' ? config.authority.issuing.years * YEAR : longestLeaf(config)
  return life && rollDue(life, longestChild)
}

/**
 * A CA is replaced when what it would sign now would outlive it, but neither in the first half of its life nor after two
 * thirds of it.
 *
 * @param longestChild the longest life of what it signs, milliseconds
 */
function rollDue({ notBefore, notAfter }: Life, longestChild: number): number {
  const life = notAfter - notBefore
  const fitting = notAfter - longestChild
  return Math.max(notBefore + life / 2, Math.min(fitting, notBefore + (2 * life) / 3))
}

/** How long the last certificate that a log holds may live, from when another took its place. Milliseconds. */
export function logLife(config: Config): number {
  return Math.max(longestLeaf(config), OCSP_SIGNER_LIFE)
}

function longestLeaf(config: Config): number {
  let longest = config.certificates.validityDays
  for (const { validityDays } of config.services.values()) longest = Math.max(longest, validityDays)
  return longest * DAY
}

/** Whether the time has come that `rollTime` says. */
export function isRollTime(slot: SlotRow, config: Config, { cas }: Inventory, now: number): boolean {
  return now >= (rollTime(slot, cas.get(slot.id), config) ?? Number.POSITIVE_INFINITY)
}

/** Nothing that it signs would be believed. Only certificates end. */
export function hasEnded(slot: SlotRow, cas: Inventory['cas'], now: number): boolean {
  return now >= (endOf(slot, cas) ?? Number.POSITIVE_INFINITY)
}

export function endOf(slot: SlotRow | undefined, cas: Inventory['cas']): number | undefined {
  return slot && cas.get(slot.id)?.notAfter
}
