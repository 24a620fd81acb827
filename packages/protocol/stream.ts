import { z } from 'zod'
import { type DocumentNumber, documentNumber } from './document-number.ts'
import { ProtocolError } from './error.ts'

/**
 * What authority and peer say to each other over one stream, a JSON object a line, both ways. Nothing in it is believed
 * because of where it came from: documents are signed, and the rest is advice.
 *
 * A line of an unknown `type` is passed over, so that either side may be newer; one that is broken ends the stream.
 */
export type AuthorityMessage =
  /** First; 32 random bytes, lowercase hex, to be signed in the hello. */
  | { readonly type: 'challenge'; readonly nonce: string }
  | { readonly type: 'trust-statement'; readonly document: Uint8Array }
  /**
   * Goes ahead of the head that names it, to whoever was sent the bundle before: how a section differs from the earlier one of
   * its kind, both by SHA-256 in lowercase hex.
   */
  | {
      readonly type: 'section'
      readonly digest: string
      readonly base: string
      readonly difference: Uint8Array
    }
  /** A signed bundle head; its sections are fetched by digest, where they did not go ahead of it. */
  | { readonly type: 'head'; readonly document: Uint8Array }
  /** Answers a report, so that a peer on another host knows that the connection still carries something. */
  | { readonly type: 'heard' }

export type PeerMessage =
  /**
   * `head`: the one believed last, as it was signed: an authority that knows only older ones has lost something. `trust`: the
   * trust statement that it was believed under, which says whose word it is.
   */
  | {
      readonly type: 'hello'
      readonly document: Uint8Array
      readonly head?: Uint8Array | undefined
      readonly trust?: Uint8Array | undefined
    }
  | { readonly type: 'acknowledgement'; readonly document: Uint8Array }
  | { readonly type: 'report'; readonly report: Report }
  /** Something that the authority sent, or that lay in a file, was not believed. */
  | { readonly type: 'refusal'; readonly rule: string; readonly message: string }
  /** It ends by itself; nobody needs to wait for it. */
  | { readonly type: 'leave' }

/**
 * A peer reports this often, milliseconds, and the authority answers. Over TCP a connection can be dead without an end, and a
 * process can hang: a side that has heard nothing for as long as three reports takes it for ended.
 */
export const REPORT_EVERY = 10_000
export const LONGEST_SILENCE = 3 * REPORT_EVERY

/** How a peer is, by its own account. */
export interface Report {
  /** Of the certificate it serves, lowercase hex. */
  readonly serial: string
  readonly version: string
  /** Open connections by the serial of the certificate at the other end, the largest counts first. */
  readonly connections: readonly {
    readonly serial: string
    readonly count: number
    /** How many of them this peer has made; undefined of peers older than this field. */
    readonly made?: number | undefined
  }[]
  /** All of them, those not listed above included. */
  readonly open: number
  /** How often the gate refused, by rule. */
  readonly refused: Readonly<Record<string, number>>
  /** The callers that it refused last, the latest last; absent from a peer of before they were told. */
  readonly refusedLast?: readonly RefusedCaller[] | undefined
  /** How often it would have refused, by rule, had a check been required that only reports. */
  readonly reported: Readonly<Record<string, number>>
  /** What it enforces now. */
  readonly bundle: DocumentNumber
}

/** What is told of a caller that was refused, so that he can find himself in it. None of it is proven. */
export interface RefusedCaller {
  /** The gate's. */
  readonly rule: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Of the certificate that he showed, lowercase hex; absent where he showed none that can be read. */
  readonly serial?: string | undefined
  /** `address:port` of his end, where it was still known. */
  readonly remote?: string | undefined
}

/** A probe of one service is refused fewer times at once. */
export const MAX_REFUSED_LAST = 32

/** More serials than this in a report say no more to whoever reads it. */
export const MAX_REPORTED_CONNECTIONS = 256

/** A trust statement of post-quantum keys, in base64 of base64, is the largest thing said. */
const MAX_LINE_FROM_AUTHORITY = 1024 * 1024

/** A difference of more bytes does not go ahead; it is fetched. */
export const MAX_DIFFERENCE_AHEAD = 64 * 1024

/** A report with every serial is 25 kB. A head is 64 kB, in base64. */
const MAX_LINE_FROM_PEER = 128 * 1024

/** A longer trust statement would not fit into a hello beside the largest head. */
export const MAX_SHOWN_TRUST = 24 * 1024

/** The gate's rules and those of pki are fewer. */
const MAX_RULES = 128

const document = z.base64().transform((text): Uint8Array => Buffer.from(text, 'base64'))
const serial = z.string().regex(/^[0-9a-f]{1,40}$/)
const digest = z.string().regex(/^[0-9a-f]{64}$/)

const byRule = z
  .record(z.string().max(64), z.int().min(0))
  .refine((rules) => Object.keys(rules).length <= MAX_RULES)

const refusedCaller = z.object({
  rule: z.string().max(64),
  at: z.int().min(0),
  serial: serial.optional(),
  remote: z.string().max(64).optional(),
})

const authorityMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('challenge'), nonce: digest }),
  z.object({ type: z.literal('trust-statement'), document }),
  z.object({ type: z.literal('section'), digest, base: digest, difference: document }),
  z.object({ type: z.literal('head'), document }),
  z.object({ type: z.literal('heard') }),
])

const peerMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    document,
    head: document.optional(),
    trust: document.optional(),
  }),
  z.object({ type: z.literal('acknowledgement'), document }),
  z.object({
    type: z.literal('report'),
    report: z.object({
      serial,
      version: z.string().max(64),
      connections: z
        .array(z.object({ serial, count: z.int().min(1), made: z.int().min(0).optional() }))
        .max(MAX_REPORTED_CONNECTIONS),
      open: z.int().min(0),
      refused: byRule,
      refusedLast: z.array(refusedCaller).max(MAX_REFUSED_LAST).optional(),
      // A peer of before there were such checks reports none.
      reported: byRule.default({}),
      bundle: documentNumber,
    }),
  }),
  z.object({ type: z.literal('refusal'), rule: z.string().max(64), message: z.string().max(2000) }),
  z.object({ type: z.literal('leave') }),
])

export function encodeMessage(message: AuthorityMessage | PeerMessage): string {
  const inBase64 = (value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
  // Not by a replacer: a Buffer turns itself into JSON before that sees it.
  const plain = Object.fromEntries(Object.entries(message).map(([key, value]) => [key, inBase64(value)]))
  return `${JSON.stringify(plain)}\n`
}

/** Reads what the other side says from the bytes as they come, and parses each line once. */
export class MessageReader<Message> {
  readonly #schema: z.ZodType<Message>
  readonly #maxLine: number
  #kept: Buffer[] = []
  #size = 0

  private constructor(schema: z.ZodType<Message>, maxLine: number) {
    this.#schema = schema
    this.#maxLine = maxLine
  }

  static ofAuthority(): MessageReader<AuthorityMessage> {
    return new MessageReader<AuthorityMessage>(authorityMessage, MAX_LINE_FROM_AUTHORITY)
  }

  static ofPeer(): MessageReader<PeerMessage> {
    return new MessageReader<PeerMessage>(peerMessage, MAX_LINE_FROM_PEER)
  }

  /**
   * @returns the messages that are whole now
   * @throws ProtocolError `MESSAGE_INVALID`; nothing that comes after is to be read
   */
  *read(chunk: Uint8Array): Iterable<Message> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let start = 0
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
      this.#keep(bytes.subarray(start, end))
      start = end + 1
      const line = this.#kept.length === 1 ? this.#kept[0]! : Buffer.concat(this.#kept)
      this.#kept = []
      this.#size = 0
      const message = this.#parse(line)
      if (message !== undefined) yield message
    }
    if (start < bytes.byteLength) this.#keep(Buffer.from(bytes.subarray(start)))
  }

  #keep(part: Buffer): void {
    this.#size += part.byteLength
    if (this.#size > this.#maxLine) throw invalid(`has over ${this.#maxLine} bytes`)
    this.#kept.push(part)
  }

  #parse(line: Buffer): Message | undefined {
    let json: unknown
    try {
      json = JSON.parse(utf8.decode(line))
    } catch (cause) {
      throw invalid('is not JSON in UTF-8', cause)
    }
    const parsed = this.#schema.safeParse(json)
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    const isNewer = issue?.code === 'invalid_union' && typeof (json as { type?: unknown })?.type === 'string'
    if (isNewer && issue.path.length === 1 && issue.path[0] === 'type') return undefined
    throw invalid('has another shape', parsed.error)
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function invalid(what: string, cause?: unknown): ProtocolError {
  return new ProtocolError('MESSAGE_INVALID', `a line of the stream ${what}`, { cause })
}
