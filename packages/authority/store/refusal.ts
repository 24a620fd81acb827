import { type DocumentNumber, formatDocumentNumber, isSuccessor } from '@datapunk/protocol'
import { AuthorityError } from '../error.ts'
import type { IntentRow, ListHead } from './rows.ts'
import { sqliteFailure, sqliteRemedy } from './sqlite-failure.ts'

/** What the contract refuses, in the same words by every store. */
export const refusal = {
  meshExists: () =>
    new AuthorityError(
      'MESH_EXISTS',
      'this inventory already belongs to a mesh; a second one needs a state folder of its own',
    ),

  noMesh: () => new TypeError('there is no mesh in this inventory yet'),

  generation: (found: number, allowed: number) =>
    new AuthorityError('NUMBER_REUSED', `generation ${found} is lower than the mesh’s, ${allowed}`, {
      data: { found, allowed },
    }),

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

  logReference: (serial: string, log: string) =>
    refusal.referenceMissing(`certificate ${serial}`, `log ${log}`),

  checkpointExists: ({ generation, counter }: DocumentNumber) =>
    new AuthorityError(
      'NUMBER_REUSED',
      `the audit’s checkpoint of bundle ${formatDocumentNumber({ generation, counter })} was recorded before, and is never changed`,
      { data: { found: [generation, counter] } },
    ),

  auditChanged: (number: number) =>
    new AuthorityError(
      'AUDIT_CHANGED',
      `the inventory has an audit entry ${number} already, and the audit’s tree ends before it: somebody wrote it by hand; nothing was changed. \`mtls audit verify\` shows what else is wrong; put back a backup of the inventory`,
      { data: { number } },
    ),

  auditEdge: (cause?: unknown) =>
    new AuthorityError(
      'AUDIT_CHANGED',
      'what the inventory keeps of the audit’s tree can’t be read, so nothing can be recorded: somebody wrote to the inventory by hand; put back a backup of it',
      { cause },
    ),

  closed: () => new AuthorityError('STORE_FAILED', 'the inventory is closed; nothing was written'),

  outsideWork: () => new TypeError('a transaction can be used only inside the work it was given to'),

  /** What was to be committed was not. */
  lost: (cause: unknown, failure = sqliteFailure(cause)) =>
    new AuthorityError(
      'STORE_FAILED',
      `the inventory could not be written (${cause instanceof Error ? cause.message : String(cause)}); nothing was changed. ${sqliteRemedy(failure)}`,
      { cause },
    ),

  /** What is on record can't be told. */
  unread: (cause: unknown, failure = sqliteFailure(cause)) =>
    new AuthorityError(
      'STORE_FAILED',
      `the inventory can't be read (${cause instanceof Error ? cause.message : String(cause)}). ${sqliteRemedy(failure)}`,
      { cause },
    ),

  number: (what: string, found: DocumentNumber, last: DocumentNumber | undefined) =>
    new AuthorityError(
      'NUMBER_REUSED',
      `${what} number ${formatDocumentNumber(found)} is no successor of ${last ? formatDocumentNumber(last) : 'nothing: the first counter is 1'}`,
      { data: { found: [found.generation, found.counter], last: last && [last.generation, last.counter] } },
    ),
}

/** Guarantee 6. */
export function checkNumber(
  what: 'trust statement' | 'bundle',
  row: DocumentNumber,
  last: DocumentNumber | undefined,
): void {
  const whole = Number.isSafeInteger(row.generation) && Number.isSafeInteger(row.counter) && row.counter >= 1
  const follows = last === undefined ? row.counter === 1 : isSuccessor(row, last)
  if (!whole || !follows) throw refusal.number(what, row, last)
}

/** Numbers of lists only go up; those made at the same time, a delta and its full list among them, share one (RFC 5280 5.2.3). */
export function checkListNumber(row: ListHead, lists: readonly ListHead[]): void {
  const last = lists.find(({ slot, scope }) => slot === row.slot && scope === row.scope)?.number ?? 0
  if (Number.isSafeInteger(row.number) && row.number > last) return
  throw new AuthorityError(
    'NUMBER_REUSED',
    `the list ${row.number} of ${row.slot} comes after ${last}; numbers only go up`,
    { data: { slot: row.slot, number: row.number, last } },
  )
}
