import type { Readable } from 'node:stream'
import { Problem } from './problem.ts'

/** Room for 100 events with the longest names; whoever has more sends more requests. */
export const MAX_BYTES = 64 * 1024

interface Request extends Readable {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/**
 * Reads a request of at most `MAX_BYTES` (64 KiB) as JSON in UTF-8.
 *
 * @throws Problem 413, 415 or 400
 */
export async function readJson(request: Request): Promise<unknown> {
  const type = String(request.headers['content-type'] ?? 'none')
  // Also what keeps web pages out: a browser asks first before it sends this type to another origin, and gets no.
  if (!/^application\/json *(;|$)/i.test(type)) {
    throw new Problem(415, 'NOT_JSON', `found content-type ${type}; allowed: application/json`)
  }
  const bytes = await readBytes(request)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new Problem(400, 'JSON_INVALID', 'found a body that is no JSON; allowed: JSON in UTF-8', { cause })
  }
}

/** By events, because leaving a `for await` early would destroy the connection before its answer; the rest is let go by. */
function readBytes(body: Readable): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
  const chunks: Uint8Array[] = []
  let size = 0
  const take = (chunk: Uint8Array) => {
    size += chunk.length
    chunks.push(chunk)
    if (size <= MAX_BYTES) return
    body.off('data', take).resume()
    reject(new Problem(413, 'TOO_LARGE', `found more than ${MAX_BYTES} bytes; allowed: at most that many`))
  }
  body.on('data', take)
  body.on('end', () => resolve(Buffer.concat(chunks)))
  body.on('error', reject)
  body.on('close', () => reject(new Problem(400, 'BODY_CUT', 'found a body that ends before its end')))
  return promise
}
