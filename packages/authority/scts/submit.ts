import { hash } from 'node:crypto'
import { type PrecertEntry, type Precertificate, precertEntry, type Sct, sha256 } from '@datapunk/pki'
import { type Config, keyIdOf, readTrustStatement } from '@datapunk/protocol'
import { AuthorityError } from '../error.ts'
import type { AuthorityEvent } from '../events/event.ts'
import type { Reader } from '../store/contract.ts'
import type { SlotRow } from '../store/rows.ts'
import { believedSct, type Judging, PlaceTaken } from './believed-sct.ts'
import type { CertificateLog } from './certificate-log.ts'
import type { LogSeat } from './log-seat.ts'

/** An SCT, and the slot of the log that gave it. */
export interface Logged {
  readonly sct: Sct
  readonly log: string
}

export interface Submitting extends Judging {
  readonly logSeat: LogSeat
  readonly store: Reader
  readonly config: Judging['config'] & { readonly authority: Pick<Config['authority'], 'log'> }
  /** Told of a log that was put back. */
  readonly report: (event: AuthorityEvent) => void
  /** What it takes the place of is good: then it waits until every live peer knows the log. */
  readonly mayWait: boolean
}

/**
 * Step 6 of story 1: nothing is issued that is not logged. While a next log is made known, and the one before it is added to no
 * more, whoever has nothing that is good waits for nobody: those who know it already would only be kept waiting too.
 *
 * @param issuer DER of its certificate
 * @throws AuthorityError `LOG_UNAVAILABLE`: it is tried again, and what is in use meanwhile stays good
 */
export async function submit(
  precertificate: Precertificate,
  issuer: Uint8Array,
  { logSeat, store, clock, config, report, mayWait }: Submitting,
): Promise<Logged> {
  const mesh = store.mesh()
  if (mesh !== undefined) await logSeat.take(mesh)
  const { log } = logSeat
  if (log === undefined) throw unavailable(logSeat.failure)
  const slot = recordOfLog(store, log.spki)
  if (slot !== undefined && slot.state !== 'prepared' && slot.state !== 'active')
    throw notTaken(logSeat, new Error(hasEnded(log, slot, config)))
  // A certificate that nobody would believe is of no use to anybody.
  if (slot === undefined) throw unavailable(new Error('peers do not know it yet'))
  if (slot.state !== 'active' && mesh?.scts === 'required') {
    if (!isNamed(slot, store)) throw unavailable(new Error(`no trust statement names ${slot.id} yet`))
    if (mayWait) throw unavailable(new Error(notKnown(slot)))
  }
  try {
    const octets = await log.submit([precertificate.der, issuer])
    const { spki, origin } = log
    const promisedFor = hash('sha256', precertificate.tbs)
    const known = { spki, origin, size: slot.monitored ?? 0, promised: logSeat.promised, promisedFor }
    const sct = believedSct(octets, entryOf(precertificate), known, { clock, config })
    logSeat.promised.set(sct.leafIndex, promisedFor)
    logSeat.wasAsked()
    return { sct, log: slot.id }
  } catch (cause) {
    if (cause instanceof PlaceTaken && !logSeat.toldPutBack) {
      logSeat.toldPutBack = true
      const { leafIndex, sct, message } = cause
      const evidence = { sct: base64(sct), precertificate: base64(precertificate.der) }
      const detail = { log: log.origin, leafIndex, message, ...evidence }
      report({ kind: 'log-alarm', subject: 'mesh', at: clock(), detail })
    }
    throw notTaken(logSeat, cause)
  }
}

function base64(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64')
}

function isNamed({ spki }: SlotRow, store: Pick<Reader, 'trustStatements'>): boolean {
  const newest = store.trustStatements().at(-1)
  return (
    newest !== undefined &&
    readTrustStatement(newest.bytes).logs.some((log) => Buffer.compare(log.spki, spki) === 0)
  )
}

function hasEnded(
  { origin }: CertificateLog,
  { state }: SlotRow,
  { authority }: Submitting['config'],
): string {
  const another =
    authority.log === undefined
      ? '`mtls rotate --log` begins another'
      : '`mtls log serve --new` there makes another, whose URL goes into authority.log'
  return `${origin} is ${state}, and a log that has ended is not gone on with: ${another}`
}

function notKnown({ id }: SlotRow): string {
  return `not every live peer knows ${id} yet, \`mtls status\` says who does not, and \`mtls rotate --log --without INSTANCE\` goes on without one`
}

function entryOf({ tbs, issuerSpki }: Precertificate): PrecertEntry {
  return precertEntry({ tbs, issuerKeyHash: sha256(issuerSpki) })
}

/** The slot of the log with this key, whatever has become of it. */
export function recordOfLog(store: Pick<Reader, 'slots'>, spki: Uint8Array): SlotRow | undefined {
  const spkiHash = keyIdOf(spki)
  return store.slots().find((slot) => slot.kind === 'log' && slot.spkiHash === spkiHash)
}

/** The living slot of the log with this key. */
export function slotOfLog(store: Pick<Reader, 'slots'>, spki: Uint8Array): SlotRow | undefined {
  const slot = recordOfLog(store, spki)
  return slot !== undefined && isLiving(slot) ? slot : undefined
}

/** Whether peers believe, or are about to believe, what it signs. */
export function isLiving({ state }: Pick<SlotRow, 'state'>): boolean {
  return state === 'prepared' || state === 'active' || state === 'retiring'
}

function notTaken(logSeat: LogSeat, cause: unknown): AuthorityError {
  logSeat.wasAsked(cause)
  return unavailable(cause)
}

function unavailable(cause: unknown): AuthorityError {
  const why = cause instanceof Error ? cause.message : 'none was given'
  return new AuthorityError(
    'LOG_UNAVAILABLE',
    `nothing is issued that is not logged, and the transparency log can't be had: ${why}. It is tried again; what is in use stays good until its end`,
    { cause },
  )
}
