import type { TbsCertificate } from '../certificate.ts'
import { sha256 } from '../keys/public-key.ts'
import { hexText } from '../octets.ts'
import { PkiError } from '../pki-error.ts'
import { type PrecertEntry, precertEntry } from './log-entry.ts'
import { parseSct } from './sct.ts'
import { parseSctList } from './sct-list.ts'
import { isSignedSct } from './sct-signature.ts'
import { withoutSctList } from './tbs-extensions.ts'

export interface SctCheck {
  /** DER SubjectPublicKeyInfo of whoever issued the certificate. */
  readonly issuerSpki: Uint8Array
  /** DER SubjectPublicKeyInfo of every log that counts, by its id (`logIdOf`) in lowercase hexadecimal. */
  readonly logs: ReadonlyMap<string, Uint8Array>
  /** SCTs from after this moment are from the future. Milliseconds since the epoch. */
  readonly latest: number
}

/** An SCT that holds: the log has promised that the certificate is in it. */
export interface GoodSct {
  /** The log's id in hexadecimal. */
  readonly log: string
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  /** Where in the log; undefined where the log does not say. */
  readonly leafIndex: number | undefined
}

/**
 * Why an SCT does not count:
 * - `LIST_MALFORMED`: the list can't be read, so none of it counts;
 * - `SCT_MALFORMED`: this one can't be read, or is of a later version;
 * - `LOG_UNKNOWN`: it is of a log that does not count;
 * - `LOG_REPEATED`: an SCT of this log stands before it, and each log is asked once;
 * - `FROM_THE_FUTURE`;
 * - `SIGNATURE_WRONG`: the log has not signed it, or for another certificate, or the certificate was altered.
 */
export type SctFault =
  | 'LIST_MALFORMED'
  | 'SCT_MALFORMED'
  | 'LOG_UNKNOWN'
  | 'LOG_REPEATED'
  | 'FROM_THE_FUTURE'
  | 'SIGNATURE_WRONG'

export interface BadSct {
  readonly fault: SctFault
  /** The log's id in hexadecimal; undefined where it can't be read. */
  readonly log: string | undefined
}

export interface CheckedScts {
  readonly good: readonly GoodSct[]
  readonly bad: readonly BadSct[]
}

/**
 * Sorts the SCTs of a certificate into those that hold and those that don't; both lists are empty where it has none. At
 * most one signature is verified for each known log. Whether the certificate is the issuer's is not looked at: see
 * `verifyPath`.
 */
export function verifyScts(certificate: TbsCertificate, { issuerSpki, logs, latest }: SctCheck): CheckedScts {
  checkLatest(latest)
  const { tbs, extensions } = certificate
  const { scts } = extensions
  if (scts === undefined) return { good: [], bad: [] }
  const serialized = readOrNothing(() => parseSctList(scts.list))
  if (serialized === undefined) return { good: [], bad: [{ fault: 'LIST_MALFORMED', log: undefined }] }
  const search: Search = {
    logs,
    latest,
    asked: new Set(),
    entry: once(() => precertEntry({ tbs: withoutSctList(tbs), issuerKeyHash: sha256(issuerSpki) })),
  }
  const good: GoodSct[] = []
  const bad: BadSct[] = []
  for (const octets of serialized) {
    const sct = checkSct(octets, search)
    if ('fault' in sct) bad.push(sct)
    else good.push(sct)
  }
  return { good, bad }
}

export interface OneSctCheck extends Omit<SctCheck, 'issuerSpki'> {
  /** What the log is to have signed. */
  readonly entry: PrecertEntry
}

/** One SCT, as `verifyScts` judges it in a certificate: what would not hold there need not be put into one. */
export function verifySct(octets: Uint8Array, { logs, latest, entry }: OneSctCheck): GoodSct | BadSct {
  checkLatest(latest)
  return checkSct(octets, { logs, latest, asked: new Set(), entry: () => entry })
}

/** NaN is not before anything, and nothing would be from its future. */
function checkLatest(latest: number): void {
  if (!Number.isFinite(latest)) throw new TypeError(`latest is ${latest}; it must be a time in milliseconds`)
}

interface Search extends Omit<SctCheck, 'issuerSpki'> {
  /** Logs whose SCT was looked at. */
  readonly asked: Set<string>
  /** What the logs signed. */
  readonly entry: () => PrecertEntry
}

/** The signature comes last: it is what costs. */
function checkSct(octets: Uint8Array, { logs, latest, asked, entry }: Search): GoodSct | BadSct {
  const sct = readOrNothing(() => parseSct(octets))
  if (sct === undefined) return { fault: 'SCT_MALFORMED', log: undefined }
  const { timestamp, leafIndex } = sct
  const log = hexText(sct.logId)
  const spki = logs.get(log)
  if (spki === undefined) return { fault: 'LOG_UNKNOWN', log }
  if (asked.has(log)) return { fault: 'LOG_REPEATED', log }
  asked.add(log)
  if (timestamp > latest) return { fault: 'FROM_THE_FUTURE', log }
  const signed = readOrNothing(() => isSignedSct(sct, entry(), spki))
  return signed ? { log, timestamp, leafIndex } : { fault: 'SIGNATURE_WRONG', log }
}

/** The certificate is cut when the first SCT needs it, and never twice. */
function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** What is wrong with one SCT says nothing about the others, so it is no reason to throw. */
function readOrNothing<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof PkiError) return undefined
    throw error
  }
}
