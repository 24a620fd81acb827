import { type ClientRequest, get, type IncomingMessage, request } from 'node:http'
import {
  type AuthorityMessage,
  applySectionDifference,
  encodeMessage,
  MessageReader,
  type PeerMessage,
} from '@datapunk/protocol'
import type { Clock } from './clock.ts'
import { MeshError } from './error.ts'
import { shortSocketPath } from './socket-path.ts'

export interface AuthorityLinkOptions {
  /** `mesh.sock`. */
  readonly socket: string
  readonly clock: Clock
  readonly random: (size: number) => Buffer
  /** The hello that answers the authority's challenge. */
  readonly greet: (nonce: string) => Promise<PeerMessage>
  /** Told of every signed document that comes. */
  readonly received: (message: Exclude<AuthorityMessage, { type: 'challenge' }>) => void
  /** Told when the authority has been greeted, and from then on may be told more. */
  readonly opened: () => void
}

/** Milliseconds; doubled at every failure up to the longest, and each wait drawn between half and all of it. */
const FIRST_WAIT = 100
const LONGEST_WAIT = 10_000

/** As the largest section that a head may name. Bytes. */
const MAX_SECTION = 64 * 1024 * 1024

/**
 * The stream to the authority: opened again whenever it ends. While the authority is down, the files have to do; nothing here
 * keeps the process alive, or is ever waited for.
 */
export class AuthorityLink {
  readonly #options: AuthorityLinkOptions
  #request: ClientRequest | undefined
  #greeted = false
  #failures = 0
  #cancelWait: (() => void) | undefined
  #closed = false

  constructor(options: AuthorityLinkOptions) {
    this.#options = options
    this.#connect()
  }

  /** Whether the authority can be told something now. */
  get isOpen(): boolean {
    return this.#greeted
  }

  /** Says something, where somebody listens. */
  send(message: PeerMessage): void {
    if (this.#greeted) this.#request?.write(encodeMessage(message))
  }

  /** Something happened in the mesh folder: the authority may be there again. */
  tryNow(): void {
    if (this.#cancelWait === undefined) return
    this.#failures = 0
    this.#cancelWait()
    this.#connect()
  }

  /**
   * A section by its digest. Nothing is believed of what comes but by that digest.
   *
   * @param base a section that is there, of which the authority may send the difference
   * @throws MeshError `BUNDLE_MISSING`
   */
  section(
    { digest, size }: { digest: string; size: number },
    base?: { digest: string; bytes: Uint8Array },
  ): Promise<Uint8Array> {
    const path = `/sections/${digest}${base ? `?base=${base.digest}` : ''}`
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    const fail = (cause: unknown) => reject(sectionMissing(digest, cause))
    const asked = get(
      { socketPath: shortSocketPath(this.#options.socket), path, agent: false },
      (response) => {
        if (response.statusCode !== 200) {
          response.resume()
          return fail(response.statusCode)
        }
        collect(response, MAX_SECTION).then((bytes) => {
          const isDifference = base !== undefined && response.headers['difference-of'] === base.digest
          resolve(isDifference ? applySectionDifference(base.bytes, bytes, size) : bytes)
        }, fail)
      },
    )
    asked.on('error', fail)
    asked.on('socket', (socket) => socket.unref())
    return promise
  }

  /** @param farewell said last, where the authority listens */
  close(farewell?: PeerMessage): void {
    this.#closed = true
    this.#cancelWait?.()
    if (this.#greeted && farewell !== undefined) this.#request?.end(encodeMessage(farewell))
    else this.#request?.destroy()
    this.#greeted = false
  }

  #connect(): void {
    this.#cancelWait = undefined
    if (this.#closed) return
    const { socket } = this.#options
    const asked = request({
      socketPath: shortSocketPath(socket),
      path: '/stream',
      method: 'POST',
      agent: false,
    })
    this.#request = asked
    asked.on('socket', (one) => one.unref())
    asked.on('response', (response) => void this.#listen(response))
    asked.on('error', () => {})
    asked.once('close', () => this.#ended(asked))
    asked.flushHeaders()
  }

  async #listen(response: IncomingMessage): Promise<void> {
    const reader = MessageReader.ofAuthority()
    try {
      for await (const chunk of response) {
        for (const message of reader.read(chunk as Uint8Array)) await this.#take(message)
      }
    } catch {
      // Whoever speaks nonsense at this socket is no authority; its documents would not be believed either.
    } finally {
      response.destroy()
    }
  }

  async #take(message: AuthorityMessage): Promise<void> {
    if (message.type !== 'challenge') return this.#options.received(message)
    const hello = await this.#options.greet(message.nonce)
    this.#request?.write(encodeMessage(hello))
    this.#greeted = true
    this.#failures = 0
    this.#options.opened()
  }

  #ended(asked: ClientRequest): void {
    if (asked !== this.#request || this.#closed) return
    this.#greeted = false
    const { clock, random } = this.#options
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(this.#failures++, 10))
    const drawn = wait * (0.5 + random(2).readUInt16BE() / 0x1_ff_fe)
    this.#cancelWait = clock.after(drawn, () => this.#connect())
  }
}

async function collect(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response) {
    size += (chunk as Uint8Array).byteLength
    if (size > maxBytes) throw new RangeError(`over ${maxBytes} bytes`)
    chunks.push(chunk as Uint8Array)
  }
  return Buffer.concat(chunks)
}

function sectionMissing(digest: string, cause: unknown): MeshError {
  return new MeshError(
    'BUNDLE_MISSING',
    `the authority did not give the section ${digest} (${cause instanceof Error ? cause.message : cause}); allowed: what its bundle names: it is asked again`,
    { cause, data: { digest } },
  )
}
