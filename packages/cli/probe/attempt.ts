import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type SecureVersion, type TLSSocket } from 'node:tls'
import { PROBE } from '@datapunk/protocol'
import { beginTls, startupMessage } from './postgres.ts'

export interface ProbedPlace {
  readonly host: string
  readonly port: number
  /** The name to ask for (SNI). */
  readonly serverName: string
  /** PostgreSQL has to be asked for TLS first. */
  readonly speaks: 'any' | 'postgres'
}

/** What somebody shows who wants in, and how he speaks. */
export interface Approach {
  /** PEM: leaf, then whatever is above it; undefined for none. */
  readonly certificate?: string | undefined
  /** PEM, PKCS#8. */
  readonly key?: string | undefined
  readonly minVersion?: SecureVersion
  readonly maxVersion?: SecureVersion
  /** As OpenSSL writes them. */
  readonly ciphers?: string
  /** A session of before, to be resumed. */
  readonly session?: Buffer | undefined
}

/** All that was seen of one try, judged by nobody yet. */
export interface Seen {
  /** Of this end, as the other one sees it; undefined where nobody answered. */
  readonly localPort: number | undefined
  /** As in `TLSv1.3`: the handshake was done, as far as this end knows. */
  readonly protocol: string | undefined
  /** A session of before was resumed. */
  readonly resumed: boolean
  /** What the other end has shown, DER. */
  readonly shown: Uint8Array | undefined
  /** As in `certificate_required` (RFC 8446 6.2): what the other end has said. */
  readonly alert: string | undefined
  /** Code of the error that ended it, where one did. */
  readonly error: string | undefined
  /** The first bytes of application data, as latin1. */
  readonly received: string
  /** `silent`: it was still open when nobody waited any longer. */
  readonly end: 'answered' | 'closed' | 'silent'
  /** Sessions that may be resumed. */
  readonly sessions: readonly Buffer[]
}

/** In TLS 1.3 a client is done before the server has judged it: what it says then is waited for so long. Milliseconds. */
const PATIENCE = 5000

/** A head of an answer, and the beginning of a problem. Bytes. */
const ENOUGH = 4096

/** HTTP needs no more; Redis, which hangs up on whoever says `Host:`, answers it too. */
const ANY_REQUEST = 'GET / HTTP/1.0\r\nUser-Agent: mtls-probe\r\n\r\n'

/**
 * Knocks once: handshake, one request, and what comes back. Whom it speaks with is judged afterwards; here nothing is believed,
 * and nothing is said that is a secret.
 */
export function attempt(place: ProbedPlace, approach: Approach): Promise<Seen> {
  return new Attempt(place, approach).seen
}

class Attempt {
  readonly #place: ProbedPlace
  readonly #approach: Approach
  readonly #tcp: Socket
  readonly #chunks: Buffer[] = []
  readonly #sessions: Buffer[] = []
  readonly #timer: NodeJS.Timeout
  readonly #done = Promise.withResolvers<Seen>()
  #localPort: number | undefined
  #protocol: string | undefined
  #resumed = false
  #shown: Uint8Array | undefined
  #error: NodeJS.ErrnoException | undefined

  constructor(place: ProbedPlace, approach: Approach) {
    this.#place = place
    this.#approach = approach
    this.#tcp = connectTcp({ host: place.host, port: place.port })
    this.#timer = setTimeout(() => this.#finish('silent'), PATIENCE)
    this.#tcp.on('error', (error) => this.#fail(error))
    this.#tcp.on('close', () => this.#finish('closed'))
    this.#tcp.once('connect', () => void this.#shake())
  }

  get seen(): Promise<Seen> {
    return this.#done.promise
  }

  async #shake(): Promise<void> {
    this.#localPort = this.#tcp.localPort
    try {
      if (this.#place.speaks === 'postgres') await beginTls(this.#tcp)
      this.#listen(this.#secure())
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  /** @throws where this OpenSSL can't even offer what is to be refused */
  #secure(): TLSSocket {
    const { certificate, key, session, ...versions } = this.#approach
    return connectTls({
      socket: this.#tcp,
      servername: this.#place.serverName,
      rejectUnauthorized: false,
      ...versions,
      ...(certificate !== undefined && { cert: certificate, key }),
      ...(session !== undefined && { session }),
    })
  }

  #listen(tls: TLSSocket): void {
    tls.on('error', (error) => this.#fail(error))
    tls.on('session', (session) => this.#sessions.push(session))
    tls.once('secureConnect', () => {
      this.#protocol = tls.getProtocol() ?? undefined
      this.#resumed = tls.isSessionReused()
      this.#shown = tls.getPeerX509Certificate()?.raw
      tls.write(this.#request())
    })
    tls.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      if (this.#received.length >= ENOUGH || isWhole(this.#received)) this.#finish('answered')
    })
    tls.on('close', () => this.#finish('closed'))
  }

  #request(): string | Buffer {
    return this.#place.speaks === 'postgres' ? startupMessage(PROBE) : ANY_REQUEST
  }

  get #received(): string {
    return Buffer.concat(this.#chunks).toString('latin1').slice(0, ENOUGH)
  }

  #fail(error: NodeJS.ErrnoException): void {
    this.#error ??= error
    // What was sent before the end may still be on its way up.
    setImmediate(() => this.#finish('closed'))
  }

  #finish(end: Seen['end']): void {
    clearTimeout(this.#timer)
    this.#tcp.destroy()
    const code = this.#error && (this.#error.code ?? this.#error.message)
    this.#done.resolve({
      localPort: this.#localPort,
      protocol: this.#protocol,
      resumed: this.#resumed,
      shown: this.#shown,
      alert: alertIn(code),
      error: code,
      received: this.#received,
      end: this.#chunks.length > 0 ? 'answered' : end,
      sessions: this.#sessions,
    })
  }
}

/** `ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED`: an alert that came, unlike an error of this end. */
function alertIn(code: string | undefined): string | undefined {
  return /^ERR_SSL_.*ALERT_(?:NUMBER_)?([A-Z0-9_]+)$/.exec(code ?? '')?.[1]?.toLowerCase()
}

/** Of HTTP all that its head promises, of anything else a byte. */
function isWhole(received: string): boolean {
  if (!received.startsWith('HTTP/')) return !'HTTP/'.startsWith(received)
  const [head = '', body] = received.split('\r\n\r\n', 2)
  if (body === undefined) return false
  const length = /^content-length: *(\d+)/im.exec(head)?.[1]
  return length !== undefined && body.length >= Number(length)
}
