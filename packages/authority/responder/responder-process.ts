import type { ChildProcess } from 'node:child_process'
import { isDeepStrictEqual } from 'node:util'
import { addressText, type Config, type Layout } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { certifyOcspSigner } from '../issuing/certify-ocsp-signer.ts'
import { DAY } from '../time.ts'
import type { FromResponder, ResponderOptions, ToResponder } from './messages.ts'

/** From its end to its next start. Milliseconds. */
const RESTART_AFTER = 1000

/** How long a staple is waited for. Milliseconds. */
const PATIENCE = 5000

export interface ResponderHost {
  readonly layout: Layout
  readonly clock: () => number
  readonly report: Engine['report']
  /** Starts the process; its program calls `runResponder`. What it throws is told, and it is tried again. */
  readonly start: () => ChildProcess
  /** Does something with the engine in its turn. */
  readonly inTurn: <Result>(deed: (engine: Engine) => Promise<Result>) => Promise<Result>
}

/** The authority's side of the process that answers for it, which is started again whenever it ends. */
export class ResponderProcess {
  readonly #host: ResponderHost
  readonly #waiting = new Map<number, (response: Uint8Array | undefined) => void>()
  /** What its process is started with; undefined where nothing is to be served. */
  #wanted: ResponderOptions | undefined
  #child: ChildProcess | undefined
  #timer: NodeJS.Timeout | undefined
  #asked = 0
  #closed = false
  /** What was told last; empty since it serves. */
  #failure = ''

  constructor(host: ResponderHost) {
    this.#host = host
  }

  /** Serves from now on as this config says, or nothing where it says `authority.http: none`. */
  configure(config: Config): void {
    const wanted = optionsOf(config, this.#host.layout)
    if (isDeepStrictEqual(wanted, this.#wanted)) return
    this.#wanted = wanted
    // The end of one that serves otherwise is the start of the next.
    if (this.#child !== undefined) this.#child.kill()
    else this.#start()
  }

  /** Something was issued, revoked or published. */
  changed(): void {
    this.#send({ type: 'changed' })
  }

  /** An OCSP answer about a certificate of ours, DER; undefined where nobody can say. */
  staple(serial: string): Promise<Uint8Array | undefined> {
    if (this.#child === undefined) return Promise.resolve(undefined)
    const id = ++this.#asked
    const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>()
    this.#waiting.set(id, resolve)
    this.#send({ type: 'staple', id, serial })
    const timer = setTimeout(resolve, PATIENCE, undefined)
    return promise.finally(() => {
      clearTimeout(timer)
      this.#waiting.delete(id)
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    const child = this.#child
    // One that could not be started does not end.
    if (child?.pid === undefined) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill()
    await ended
  }

  #start(): void {
    clearTimeout(this.#timer)
    if (this.#closed || this.#wanted === undefined) return
    let child: ChildProcess
    try {
      child = this.#host.start()
    } catch (error) {
      this.#notStarted(error as Error)
      return
    }
    this.#child = child
    child.on('message', (message) => void this.#take(message as FromResponder))
    child.on('error', (error) => {
      if (child.pid === undefined) this.#notStarted(error)
    })
    child.once('exit', () => this.#ended())
    this.#send({ type: 'start', ...this.#wanted })
  }

  #notStarted({ message }: Error): void {
    this.#failed(message, 'memory for one process more: free some')
    this.#ended()
  }

  #ended(): void {
    this.#child = undefined
    for (const resolve of this.#waiting.values()) resolve(undefined)
    if (!this.#closed) this.#timer = setTimeout(() => this.#start(), RESTART_AFTER)
  }

  async #take(message: FromResponder): Promise<void> {
    if (message.type === 'certify') await this.#certify(message)
    else if (message.type === 'listening') this.#listening(message.port)
    else if (message.type === 'not-listening') this.#notListening(message.message)
    else {
      const response = message.response === null ? undefined : Buffer.from(message.response, 'base64')
      this.#waiting.get(message.id)?.(response)
    }
  }

  /** What can't be certified now is asked for again. */
  async #certify({ slot, spki }: Extract<FromResponder, { type: 'certify' }>): Promise<void> {
    const { inTurn, report, clock } = this.#host
    try {
      const der = await inTurn(async (engine) =>
        this.#closed ? undefined : certifyOcspSigner(engine, slot, Buffer.from(spki, 'base64')),
      )
      if (der === undefined) return
      this.#send({ type: 'signer', slot, certificate: Buffer.from(der).toString('base64') })
    } catch (cause) {
      const error = cause instanceof Error ? cause.message : String(cause)
      report({ kind: 'issue-failed', subject: 'authority', at: clock(), detail: { slot, error } })
    }
  }

  #listening(port: number): void {
    const { report, clock } = this.#host
    this.#failure = ''
    const detail = { address: addressText(this.#wanted?.host ?? '', port) }
    report({ kind: 'status-served', subject: 'authority', at: clock(), detail })
  }

  #notListening(message: string): void {
    this.#failed(message, 'an address of this machine and a port that nobody has: change authority.http')
  }

  /** The first failure is told, not each. */
  #failed(why: string, allowed: string): void {
    if (this.#failure === why) return
    this.#failure = why
    const { report, clock } = this.#host
    const error = `lists and OCSP are served to nobody (${why}); allowed: ${allowed}; it is tried again`
    report({ kind: 'status-failed', subject: 'authority', at: clock(), detail: { error } })
  }

  #send(message: ToResponder): void {
    if (this.#child?.connected) this.#child.send(message, () => {})
  }
}

function optionsOf({ authority, revocation }: Config, layout: Layout): ResponderOptions | undefined {
  const { http, publicUrl, clockSkew } = authority
  if (http === undefined || publicUrl === undefined) return undefined
  const { state } = layout
  const { inventory } = layout.authority
  const place = { host: http.host, port: http.port ?? 0, publicUrl }
  return { ...place, state, inventory, answersLive: revocation.ocspDays * DAY, clockSkew }
}
