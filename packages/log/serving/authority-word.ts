import type { Signer } from '@datapunk/pki'
import { type LogSubmission, openLogSubmission, ProtocolError, sealLogSubmission } from '@datapunk/protocol'
import { LogError } from '../log-error.ts'
import type { SubmissionKind, TransparencyLog } from '../transparency-log.ts'

/** For how long a word counts, milliseconds: longer than any request takes. */
const WORD_LASTS = 5 * 60_000

/** 4 kB in base64 are more than any word has. */
const authorization = /^datapunk-mtls ([A-Za-z0-9+/]{1,8192}={0,2})$/

/** What stands in the `authorization` header of a submission. */
export async function authorityWord(submission: LogSubmission, signer: Signer): Promise<string> {
  return `datapunk-mtls ${Buffer.from(await sealLogSubmission(submission, signer)).toString('base64')}`
}

export interface Doorway {
  readonly log: Pick<TransparencyLog, 'id' | 'trusted' | 'belongTo'>
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** What clocks may differ by, milliseconds. */
  readonly clockSkew: number
}

/**
 * Whether the authority of the log's mesh has sent this: signed by a bundle key that the newest trust statement names, about
 * this log, now.
 *
 * @param header the `authorization` header
 * @returns SHA-256 of the body that it has signed for, lowercase hex
 * @throws LogError `NOT_THE_AUTHORITY`, `LOG_UNREADABLE`, and as `belongTo`
 */
export async function bodySignedFor(
  header: string | undefined,
  kind: SubmissionKind,
  { log, clock, clockSkew }: Doorway,
): Promise<string> {
  const [, word] = authorization.exec(header ?? '') ?? []
  if (word === undefined) throw notTheAuthority('no word of the authority came with it')
  await log.trusted.refresh()
  const { statement } = log.trusted
  if (statement === undefined)
    throw new LogError('LOG_UNREADABLE', 'there is no trust statement yet; `mtls apply` publishes the first')
  const said = opened(Buffer.from(word, 'base64'), statement.bundleKeys)
  if (said.meshId !== statement.meshId) throw notTheAuthority('it is of another mesh')
  if (said.log !== log.id || said.kind !== kind)
    throw notTheAuthority('it is for another log, or another call')
  const age = clock() - said.at
  if (age < -clockSkew || age > WORD_LASTS + clockSkew)
    throw notTheAuthority(`it was said at ${new Date(said.at).toISOString()}; the clocks differ`)
  await log.belongTo(statement)
  return said.body
}

function opened(word: Uint8Array, bundleKeys: readonly Uint8Array[]): LogSubmission {
  try {
    return openLogSubmission(word, bundleKeys)
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw notTheAuthority('no bundle key of the newest trust statement has signed it', cause)
  }
}

export function notTheAuthority(why: string, cause?: unknown): LogError {
  return new LogError(
    'NOT_THE_AUTHORITY',
    `only the authority of the mesh may submit, and ${why}; everybody may read`,
    { cause },
  )
}
