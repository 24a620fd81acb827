import type { ClientRequest, IncomingMessage } from 'node:http'
import { endOf } from '@datapunk/pki'
import {
  type AuthorityMessage,
  applySectionDifference,
  encodeMessage,
  LONGEST_SILENCE,
  MessageReader,
  type PeerMessage,
} from '@datapunk/protocol'
import { type Waits, waitAfter } from '../backoff.ts'
import { atTime, type Clock } from '../clock.ts'
import { MeshError } from '../error.ts'
import { requestOver } from './authority-request.ts'
import type { AuthorityContact, AuthorityRoute } from './authority-route.ts'
import { getWithin } from './get-within.ts'
import type { OfferedDocument } from './offered-documents.ts'
import { SectionsAhead } from './sections-ahead.ts'
import { Silence } from './silence.ts'

export interface AuthorityLinkOptions {
  readonly route: AuthorityRoute
  readonly clock: Clock
  readonly random: (size: number) => Buffer
  /** The hello that answers the authority's challenge. */
  readonly greet: (nonce: string) => Promise<PeerMessage>
  /** Told of every signed document that comes. */
  readonly received: (document: OfferedDocument) => void
  /** Told when the authority has been greeted, and from then on may be told more. */
  readonly opened: () => void
  /** Told when it has taken the hello, and what was said after that. */
  readonly heard: () => void
  /** Told, once until it is there again, why the authority on another host can't be spoken to. */
  readonly failed: (error: MeshError) => void
}

const WAITS: Waits = { first: 100, longest: 10_000 }

/** As the largest section that a head may name. Bytes. */
const MAX_SECTION = 64 * 1024 * 1024

/** An authority that lets more than this pile up does not read what it is told. Bytes. */
const MAX_UNSENT = 4 * 1024 * 1024

/** For a section: as long as one of `MAX_SECTION` takes at 2 Mbit/s. Milliseconds. */
const PATIENCE = 5 * 60_000

/**
 * The stream to the authority: opened again whenever it ends. While the authority is down, the files have to do; nothing here
 * keeps the process alive, or is ever waited for.
 */
export class AuthorityLink {
  readonly #options: AuthorityLinkOptions
  readonly #ending = new AbortController()
  readonly #ahead = new SectionsAhead()
  #stream: Stream | undefined
  /** Whose challenge was answered. */
  #greeted: Stream | undefined
  #failures = 0
  #told: MeshError['code'] | undefined
  #cancelWait: (() => void) | undefined

  constructor(options: AuthorityLinkOptions) {
    this.#options = options
    void this.#connect()
  }

  /** Whether the authority can be told something now. */
  get isOpen(): boolean {
    return this.#greeted?.isAlive === true
  }

  /** Whether it listens, as far as is known. */
  get isHeard(): boolean {
    return this.isOpen && this.#greeted?.isHeard === true
  }

  /**
   * Says something, where somebody may listen.
   *
   * @returns whether it was said
   */
  send(message: PeerMessage): boolean {
    if (!this.#greeted?.isAlive) return false
    const { asked } = this.#greeted
    asked.write(encodeMessage(message))
    if (asked.writableLength > MAX_UNSENT) asked.destroy()
    return true
  }

  /** Something happened in the mesh folder: the authority may be there again. */
  tryNow(): void {
    if (this.#cancelWait === undefined) return
    this.#failures = 0
    this.#cancelWait()
    void this.#connect()
  }

  /** Pair or trust have changed: a connection that would not be made now ends, and another one is made with what is new. */
  changed(): void {
    const standing = this.#stream?.contact.standing
    if (standing !== undefined && !this.#options.route.isGood(standing)) this.#stream?.asked.destroy()
    this.tryNow()
  }

  /**
   * A section by its digest: from what went ahead, else fetched. Nothing is believed of what comes but by that digest.
   *
   * @param base a section that is there, of which the authority may send the difference
   * @param givenUp ends it at once
   * @throws MeshError `BUNDLE_MISSING`
   */
  async section(
    { digest, size }: { digest: string; size: number },
    base?: { digest: string; bytes: Uint8Array },
    givenUp?: AbortSignal,
  ): Promise<Uint8Array> {
    const { route, clock } = this.#options
    const ahead = this.#ahead.take({ digest, size }, base)
    if (ahead !== undefined) return ahead
    const path = `/sections/${digest}${base ? `?base=${base.digest}` : ''}`
    try {
      const signal = AbortSignal.any([this.#ending.signal, ...(givenUp ? [givenUp] : [])])
      const within = { clock, signal, patience: PATIENCE, maxBytes: MAX_SECTION }
      const { bytes, headers } = await getWithin(route, path, within)
      const isDifference = base !== undefined && headers['difference-of'] === base.digest
      return isDifference ? applySectionDifference(base.bytes, bytes, size) : bytes
    } catch (cause) {
      throw sectionMissing(digest, cause)
    }
  }

  /** @param farewell said last, where the authority listens */
  close(farewell?: PeerMessage): void {
    this.#ending.abort()
    this.#cancelWait?.()
    if (this.isOpen && farewell !== undefined) this.#greeted?.asked.end(encodeMessage(farewell))
    else this.#stream?.asked.destroy()
    this.#greeted = undefined
  }

  get #isClosed(): boolean {
    return this.#ending.signal.aborted
  }

  async #connect(): Promise<void> {
    this.#cancelWait = undefined
    if (this.#isClosed) return
    const { route, clock } = this.#options
    try {
      const contact = await route.connect(this.#ending.signal)
      if (this.#isClosed) contact.socket.destroy()
      else this.#open(new Stream(contact, clock))
    } catch (error) {
      if (error instanceof MeshError) this.#tell(error)
      this.#wait()
    }
  }

  #open(stream: Stream): void {
    this.#stream = stream
    const { asked } = stream
    asked.on('response', (response) => void this.#listen(stream, response))
    asked.on('error', () => {})
    asked.once('close', () => this.#ended(stream))
    asked.flushHeaders()
  }

  async #listen(stream: Stream, response: IncomingMessage): Promise<void> {
    const reader = MessageReader.ofAuthority()
    try {
      for await (const chunk of response) {
        stream.heard()
        for (const message of reader.read(chunk as Uint8Array)) await this.#take(stream, message)
      }
    } catch {
      // Whoever speaks nonsense at this socket is no authority; its documents would not be believed either.
    } finally {
      response.destroy()
    }
  }

  async #take(stream: Stream, message: AuthorityMessage): Promise<void> {
    if (message.type === 'heard') return this.#heard(stream)
    if (message.type === 'section') return this.#ahead.keep(message)
    if (message.type !== 'challenge') return this.#options.received(message)
    const hello = await this.#options.greet(message.nonce)
    // Signing takes a while, and the stream may have ended meanwhile.
    if (stream !== this.#stream || !stream.isAlive || this.#isClosed) return
    stream.asked.write(encodeMessage(hello))
    this.#greeted = stream
    this.#told = undefined
    this.#options.opened()
  }

  /** It has taken the hello. One that refuses it, and so ends each stream, is called ever less often. */
  #heard(stream: Stream): void {
    if (stream !== this.#greeted) return
    this.#failures = 0
    if (stream.isHeard) return
    stream.isHeard = true
    this.#options.heard()
  }

  #ended(stream: Stream): void {
    stream.stop()
    if (stream !== this.#stream || this.#isClosed) return
    this.#stream = undefined
    this.#greeted = undefined
    if (stream.contact.standing !== undefined && !stream.hasSpoken)
      this.#tell(this.#options.route.closedEarly())
    this.#wait()
  }

  #wait(): void {
    if (this.#isClosed) return
    const { clock, random } = this.#options
    this.#cancelWait = clock.after(waitAfter(this.#failures++, WAITS, random), () => void this.#connect())
  }

  #tell(error: MeshError): void {
    if (this.#isClosed || this.#told === error.code) return
    this.#told = error.code
    this.#options.failed(error)
  }
}

/** One stream, from its request to its end, which comes also with silence, and of one to another host with the certificate. */
class Stream {
  readonly contact: AuthorityContact
  readonly asked: ClientRequest
  readonly #silence: Silence
  readonly #cancelEnd: () => void
  #hasSpoken = false
  /** Whether the other end has said that it hears this one. */
  isHeard = false

  constructor(contact: AuthorityContact, clock: Clock) {
    const { socket, standing } = contact
    this.contact = contact
    this.asked = requestOver(socket, 'POST', '/stream')
    const end = () => this.asked.destroy()
    // Also on this machine: an authority may be stopped, or hang, and the socket stays open.
    this.#silence = new Silence(clock, LONGEST_SILENCE, end)
    this.#cancelEnd = standing ? atTime(clock, endOf(standing.notAfter), end) : () => {}
  }

  /** Whether anything came from the other end. */
  get hasSpoken(): boolean {
    return this.#hasSpoken
  }

  /** Whether what is written goes anywhere. */
  get isAlive(): boolean {
    return !this.asked.destroyed
  }

  heard(): void {
    this.#hasSpoken = true
    this.#silence.heard()
  }

  stop(): void {
    this.#silence.stop()
    this.#cancelEnd()
  }
}

function sectionMissing(digest: string, cause: unknown): MeshError {
  return new MeshError(
    'BUNDLE_MISSING',
    `the authority did not give the section ${digest} (${cause instanceof Error ? cause.message : cause}); allowed: what its bundle names: it is asked again`,
    { cause, data: { digest } },
  )
}
