import type { ChildProcess } from 'node:child_process'
import type { Config, Layout } from '@datapunk/protocol'
import type { Engine } from '../engine.ts'
import { issueOcspSigner } from '../issue-ocsp-signer.ts'
import type { FromResponder, ToResponder } from './messages.ts'

const DAY = 24 * 60 * 60 * 1000

/** From its end to its next start. Milliseconds. */
const RESTART_AFTER = 1000

/** How long a staple is waited for. Milliseconds. */
const PATIENCE = 5000

export interface ResponderHost {
  readonly config: Config
  readonly layout: Layout
  readonly clock: () => number
  readonly report: Engine['report']
  /** Starts the process; its program calls `runResponder`. */
  readonly start: () => ChildProcess
  /** Does something with the engine in its turn. */
  readonly inTurn: <Result>(deed: (engine: Engine) => Promise<Result>) => Promise<Result>
}

/** The authority's side of the process that answers for it, which is started again whenever it ends. */
export class Responder {
  readonly #host: ResponderHost
  readonly #waiting = new Map<number, (response: Uint8Array | undefined) => void>()
  #child: ChildProcess | undefined
  #timer: NodeJS.Timeout | undefined
  #asked = 0
  #closed = false
  /** Where it listens, once it does. */
  port: number | undefined

  constructor(host: ResponderHost) {
    this.#host = host
    this.#start()
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
    if (child === undefined) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill()
    await ended
  }

  #start(): void {
    const { config, layout } = this.#host
    const { http, publicUrl, clockSkew } = config.authority
    if (this.#closed || http === undefined || publicUrl === undefined) return
    const child = this.#host.start()
    this.#child = child
    child.on('message', (message) => void this.#take(message as FromResponder))
    child.on('error', () => {})
    child.once('exit', () => this.#ended())
    const answersLive = config.revocation.ocspDays * DAY
    const place = { host: http.host, port: http.port ?? 0, publicUrl }
    const { state, authority } = layout
    this.#send({ type: 'start', ...place, state, inventory: authority.inventory, answersLive, clockSkew })
  }

  #ended(): void {
    this.#child = undefined
    this.port = undefined
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
        this.#closed ? undefined : issueOcspSigner(engine, slot, Buffer.from(spki, 'base64')),
      )
      if (der === undefined) return
      this.#send({ type: 'signer', slot, certificate: Buffer.from(der).toString('base64') })
    } catch (cause) {
      const error = cause instanceof Error ? cause.message : String(cause)
      report({ kind: 'issue-failed', subject: 'authority', at: clock(), detail: { slot, error } })
    }
  }

  #listening(port: number): void {
    const { report, clock, config } = this.#host
    this.port = port
    const detail = { address: `${config.authority.http?.host}:${port}` }
    report({ kind: 'status-served', subject: 'authority', at: clock(), detail })
  }

  #notListening(message: string): void {
    const { report, clock } = this.#host
    const error = `lists and OCSP are served to nobody (${message}); allowed: an address of this machine and a port that nobody has: change authority.http; it is tried again`
    report({ kind: 'status-failed', subject: 'authority', at: clock(), detail: { error } })
  }

  #send(message: ToResponder): void {
    if (this.#child?.connected) this.#child.send(message, () => {})
  }
}
