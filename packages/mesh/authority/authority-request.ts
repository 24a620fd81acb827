import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import { LONGEST_SILENCE } from '@datapunk/protocol'
import type { Clock } from '../clock.ts'
import { Silence } from './silence.ts'

/** What was asked for, all of it. */
export interface Answer {
  readonly bytes: Uint8Array
  readonly headers: IncomingMessage['headers']
}

/** A request over a connection that is open, and its own: it ends with it. */
export function requestOver(socket: Socket, method: 'GET' | 'POST', path: string): ClientRequest {
  return request({ createConnection: () => socket, method, path, host: 'authority' })
}

/**
 * Asks for something, and takes all of it.
 *
 * @param maxBytes what is longer is refused
 * @throws Error where the answer is another than 200, does not come, or is too long
 */
export async function getOver(
  socket: Socket,
  path: string,
  { maxBytes, clock }: { readonly maxBytes: number; readonly clock: Clock },
): Promise<Answer> {
  const asked = requestOver(socket, 'GET', path)
  const silence = new Silence(clock, LONGEST_SILENCE, () => asked.destroy(new Error('no answer')))
  try {
    const response = await answerTo(asked)
    if (response.statusCode !== 200) throw new Error(`${response.statusCode}`)
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of response) {
      silence.heard()
      size += (chunk as Uint8Array).byteLength
      if (size > maxBytes) throw new RangeError(`over ${maxBytes} bytes`)
      chunks.push(chunk as Uint8Array)
    }
    return { bytes: Buffer.concat(chunks), headers: response.headers }
  } finally {
    silence.stop()
    asked.destroy()
  }
}

function answerTo(asked: ClientRequest): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  asked.on('error', reject)
  asked.once('response', resolve)
  asked.once('close', () => reject(new Error('closed without an answer')))
  asked.end()
  return promise
}
