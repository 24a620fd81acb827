import type { Signer } from '@datapunk/pki'
import { z } from 'zod'
import { ProtocolError } from './error.ts'
import { isSignedBy, parsePayload, parseSealed, seal } from './sealed.ts'
import { dateTime } from './wire.ts'

/**
 * "This is mine to log": what the authority says beside a submission, because anybody can reach a log. Said again it does no
 * harm: what was logged before is answered as before.
 */
export interface LogSubmission {
  readonly meshId: string
  /** The id of the log, SHA-256 of its key, lowercase hex. */
  readonly log: string
  readonly kind: 'chain' | 'pre-chain'
  /** SHA-256 of the request's body, lowercase hex. */
  readonly body: string
  /** When it was said, milliseconds since the epoch. */
  readonly at: number
}

const TYPE = 'log-submission/v1'

/** Some hundred bytes, and a signature. */
const MAX_BYTES = 4096

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`))

const schema = z.strictObject({
  meshId: hex(16),
  log: hex(32),
  kind: z.enum(['chain', 'pre-chain']),
  body: hex(32),
  at: dateTime,
})

/** @param signer the bundle key in use */
export function sealLogSubmission(submission: LogSubmission, signer: Signer): Promise<Uint8Array> {
  const payload: z.input<typeof schema> = { ...submission, at: new Date(submission.at).toISOString() }
  return seal(TYPE, Buffer.from(JSON.stringify(payload)), [signer])
}

/**
 * @param bundleKeys DER SubjectPublicKeyInfo of those that the newest trust statement names
 * @throws ProtocolError `DOCUMENT_INVALID`, `SIGNATURE_INVALID`
 */
export function openLogSubmission(bytes: Uint8Array, bundleKeys: readonly Uint8Array[]): LogSubmission {
  const document = parseSealed(bytes, TYPE, MAX_BYTES)
  if (bundleKeys.some((spki) => isSignedBy(document, spki)))
    return parsePayload(document.payload, schema, TYPE, MAX_BYTES)
  throw new ProtocolError(
    'SIGNATURE_INVALID',
    `found a ${TYPE} that no bundle key has signed; allowed: one that the newest trust statement names`,
  )
}
