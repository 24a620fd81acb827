import { encodeSct, PkiError, parseSct, type Sct } from '@datapunk/pki'
import { z } from 'zod'
import { LogError } from '../log-error.ts'

/** Everything of an SCT but its signature: version, id, time, and the length of what follows (RFC 6962 3.2). */
const HEAD = 1 + 32 + 8 + 2

const schema = z.object({
  sct_version: z.literal(0),
  id: z.base64(),
  timestamp: z.int().min(0),
  extensions: z.base64(),
  signature: z.base64(),
})

/**
 * An SCT as `add-chain` and `add-pre-chain` answer it. Its signature is the whole `digitally-signed` struct.
 *
 * @param octets as `encodeSct` makes it
 * @see RFC 6962 4.1
 */
export function sctDocument(octets: Uint8Array): z.input<typeof schema> {
  const { logId, timestamp, extensions } = parseSct(octets)
  return {
    sct_version: 0,
    id: base64(logId),
    timestamp,
    extensions: base64(extensions),
    signature: base64(octets.subarray(HEAD + extensions.length)),
  }
}

/**
 * @returns as `encodeSct` makes it
 * @throws LogError `LOG_WRONG`
 */
export function readSctDocument(document: unknown): Uint8Array {
  try {
    const { id, timestamp, extensions, signature } = schema.parse(document)
    const unsigned: Sct = {
      logId: fromBase64(id),
      timestamp,
      extensions: fromBase64(extensions),
      ...{ leafIndex: undefined, algorithm: 'ecdsa', signature: new Uint8Array() },
    }
    const head = encodeSct(unsigned).subarray(0, HEAD + unsigned.extensions.length)
    const octets = Buffer.concat([head, fromBase64(signature)])
    parseSct(octets)
    return octets
  } catch (cause) {
    const isMalformed =
      cause instanceof z.ZodError || cause instanceof PkiError || cause instanceof RangeError
    if (!isMalformed) throw cause
    throw new LogError('LOG_WRONG', 'the log answered with something that is no SCT', { cause })
  }
}

function base64(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64')
}

function fromBase64(text: string): Uint8Array {
  return Buffer.from(text, 'base64')
}
