import { AuthorityError } from '../error.ts'
import type { BundleRow, IntentRow, TrustStatementRow } from './contract.ts'

/** What the contract refuses, in the same words by every store. */
export const refusal = {
  meshExists: () =>
    new AuthorityError(
      'MESH_EXISTS',
      'this inventory already belongs to a mesh; a second one needs a state folder of its own',
    ),

  serialReused: (serial: string) =>
    new AuthorityError('SERIAL_REUSED', `serial ${serial} was recorded before; draw a new one`, {
      data: { serial },
    }),

  noIntent: (serial: string) =>
    new AuthorityError(
      'NO_INTENT',
      `serial ${serial} is no open intent; record the intent first, and settle it once`,
      {
        data: { serial },
      },
    ),

  referenceMissing: (what: string, names: string): AuthorityError =>
    new AuthorityError(
      'REFERENCE_MISSING',
      `${what} names ${names}, and not all of it is in the inventory; put that first`,
      {
        data: { what, names },
      },
    ),

  intentReference: (row: IntentRow) =>
    refusal.referenceMissing(
      `certificate ${row.serial}`,
      `slot ${row.slot}${row.instance === undefined ? '' : ` and instance ${row.instance}`}`,
    ),

  closed: () => new AuthorityError('STORE_FAILED', 'the inventory is closed; nothing was written'),

  outsideWork: () => new TypeError('a transaction can be used only inside the work it was given to'),

  /** The disk refused a commit. */
  lost: (cause: unknown) =>
    new AuthorityError(
      'STORE_FAILED',
      `the inventory could not be written (${cause instanceof Error ? cause.message : String(cause)}); nothing was changed. Free space or mend the disk, then run the command again`,
      { cause },
    ),

  statementNumber: (found: number, allowed: number) =>
    new AuthorityError('NUMBER_REUSED', `trust statement number ${found} is not the next one, ${allowed}`, {
      data: { found, allowed },
    }),

  bundleNumber: (found: BundleRow, last: BundleRow | undefined) =>
    new AuthorityError(
      'NUMBER_REUSED',
      `bundle number (${found.generation}, ${found.counter}) is no successor of ${last ? `(${last.generation}, ${last.counter})` : 'nothing: the first counter is 1'}`,
      { data: { found: [found.generation, found.counter], last: last && [last.generation, last.counter] } },
    ),
}

/** Guarantee 6 for trust statements. */
export function checkStatementNumber(row: TrustStatementRow, last: number): void {
  if (row.number !== last + 1) throw refusal.statementNumber(row.number, last + 1)
}

/** Guarantee 6 for bundles. */
export function checkBundleNumber(row: BundleRow, last: BundleRow | undefined): void {
  const whole = Number.isSafeInteger(row.generation) && Number.isSafeInteger(row.counter) && row.counter >= 1
  const follows =
    last === undefined
      ? row.counter === 1
      : row.generation > last.generation ||
        (row.generation === last.generation && row.counter === last.counter + 1)
  if (!whole || !follows) throw refusal.bundleNumber(row, last)
}
