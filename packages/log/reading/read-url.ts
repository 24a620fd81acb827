import { LogError } from '../log-error.ts'
import type { ReadObject } from './read-log.ts'

/** Octets of the largest object: a data tile of the largest entries. */
const MAX_BYTES = 64 * 1024 * 1024

/** Milliseconds for one object. */
const PATIENCE = 30_000

/**
 * Reads a log over HTTP (C2SP static-ct-api, "Monitoring APIs"). What comes is held against the checkpoint by whoever reads.
 *
 * @param url its monitoring prefix
 */
export function readUrl(url: string): ReadObject {
  const prefix = url.replace(/\/$/, '')
  return async (path) => {
    try {
      return await get(`${prefix}/${path}`)
    } catch (cause) {
      throw new LogError('LOG_UNREADABLE', `${prefix}/${path} can't be had: ${reasonOf(cause)}`, { cause })
    }
  }
}

async function get(url: string): Promise<Uint8Array | undefined> {
  const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(PATIENCE) })
  if (answer.status === 404) return undefined
  if (answer.status !== 200) throw new Error(`the server answered ${answer.status}`)
  return boundedBody(answer, MAX_BYTES)
}

/** @throws Error it is of more bytes */
export async function boundedBody({ body }: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) throw new Error(`it is of more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

export function reasonOf(cause: unknown): string {
  const { message, cause: inner } = cause as Error
  return inner instanceof Error ? inner.message : message
}
