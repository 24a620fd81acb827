import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { transparencyBudget } from '@datapunk/pki'
import { z } from 'zod'
import { LogError } from '../log-error.ts'

/** Every certificate of the longest chain in base64, and the JSON around them. */
export const MAX_BODY_BYTES = Math.ceil((transparencyBudget.chainBytes * 4) / 3) + 1024

const schema = z.object({ chain: z.array(z.base64()).max(transparencyBudget.chain) })

/** @see RFC 6962 4.1, 4.2 */
export function submissionBody(chain: readonly Uint8Array[]): Uint8Array {
  return Buffer.from(JSON.stringify({ chain: chain.map((der) => Buffer.from(der).toString('base64')) }))
}

/**
 * How long a body says it is, before anything of it is read.
 *
 * @throws LogError `BODY_TOO_LARGE`, `SUBMISSION_REFUSED`
 */
export function announcedLength({ headers }: IncomingMessage): number {
  const length = headers['content-length']
  if (length === undefined)
    throw new LogError('SUBMISSION_REFUSED', 'found no content-length; allowed: a body whose length is told')
  if (Number(length) <= MAX_BODY_BYTES) return Number(length)
  throw new LogError('BODY_TOO_LARGE', `found ${length} bytes; allowed: ${MAX_BODY_BYTES}`)
}

/** @throws LogError `SUBMISSION_REFUSED` it ends before its length */
export async function readBody(request: IncomingMessage, length: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  request.on('data', (chunk: Uint8Array) => chunks.push(chunk))
  // Whoever goes away in the middle has sent too little. Who is gone already is not waited for: that is told once.
  if (!request.closed) await once(request, 'close').catch(() => {})
  const body = Buffer.concat(chunks)
  if (body.byteLength === length) return body
  throw new LogError('SUBMISSION_REFUSED', `found ${body.byteLength} bytes of ${length}`)
}

/**
 * @returns DER
 * @throws LogError `SUBMISSION_REFUSED`
 */
export function chainIn(body: Uint8Array): readonly Uint8Array[] {
  try {
    const { chain } = schema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)))
    return chain.map((der) => Buffer.from(der, 'base64'))
  } catch (cause) {
    throw new LogError(
      'SUBMISSION_REFUSED',
      `found a body that is no chain; allowed: JSON as RFC 6962 4.1 has it, of up to ${transparencyBudget.chain} certificates`,
      { cause },
    )
  }
}
