import { Problem } from './problem.ts'

/** Room for 100 events with the longest names; whoever has more sends more requests. */
export const MAX_BYTES = 64 * 1024

interface Body extends AsyncIterable<Uint8Array> {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/**
 * Reads a request or response of at most `MAX_BYTES` (64 KiB) as JSON in UTF-8.
 *
 * @throws Problem 413, 415 or 400
 */
export async function readJson(body: Body): Promise<unknown> {
  const type = String(body.headers['content-type'] ?? 'none')
  // Also what keeps web pages out: a browser asks first before it sends this type to another origin, and gets no.
  if (!/^application\/json *(;|$)/i.test(type)) {
    throw new Problem(415, 'NOT_JSON', `found content-type ${type}; allowed: application/json`)
  }
  const bytes = await readBytes(body)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new Problem(400, 'JSON_INVALID', 'found a body that is no JSON; allowed: JSON in UTF-8', { cause })
  }
}

async function readBytes(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MAX_BYTES) {
      throw new Problem(413, 'TOO_LARGE', `found more than ${MAX_BYTES} bytes; allowed: at most that many`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
