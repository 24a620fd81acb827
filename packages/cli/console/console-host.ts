import type { ChildProcess } from 'node:child_process'
import {
  AuthorityError,
  type AuthorityEvent,
  type ConsoleLink,
  type ConsoleLinkRequest,
  MessageBudget,
} from '@datapunk/authority'
import type { Config, OperatorConfig } from '@datapunk/protocol'
import type { ConfigPlace } from '../config-file.ts'
import type { FromConsole, ToConsole } from './messages.ts'

export interface ConsoleHostOptions {
  readonly place: ConfigPlace
  readonly clock: () => number
  readonly report: (event: AuthorityEvent) => void
  /** Certifies a key that the process shows operators, DER SubjectPublicKeyInfo. @returns PEM: leaf, then issuing CA */
  readonly certify: (spki: Uint8Array) => Promise<string>
  /** Starts the process; its program calls `runConsole`. */
  readonly start: () => ChildProcess
}

/** From its end to its next start, and between two tries to listen. Milliseconds. */
const AGAIN_AFTER = 1000

/** How long a link is waited for. Milliseconds. */
const PATIENCE = 5000

type Waiting = PromiseWithResolvers<ConsoleLink>

/**
 * Keeps the process that serves the console, which holds no key but its own, and is started again whenever it ends. Whatever becomes of it,
 * the mesh is kept.
 */
export class ConsoleHost {
  readonly #options: ConsoleHostOptions
  readonly #waiting = new Map<number, Waiting>()
  readonly #events: MessageBudget
  #wanted: Config['authority'] | undefined
  #operators: readonly OperatorConfig[] = []
  #child: ChildProcess | undefined
  #timer: NodeJS.Timeout | undefined
  #asked = 0
  #failure = ''

  constructor(options: ConsoleHostOptions) {
    this.#options = options
    this.#events = new MessageBudget(options.clock)
  }

  /** From now on where the config says, or nowhere. */
  moveTo({ authority, operators }: Config): void {
    this.#operators = [...operators.values()]
    this.#send({ type: 'operators', operators: this.#operators })
    const isSame =
      JSON.stringify(authority.console) === JSON.stringify(this.#wanted?.console) &&
      authority.consoleReadOnly === this.#wanted?.consoleReadOnly
    this.#wanted = authority
    if (isSame) return
    if (authority.console === undefined) void this.#end()
    else if (this.#child === undefined) this.#start()
    else this.#serve()
  }

  /** @throws AuthorityError `NO_CONSOLE` */
  readonly link = (request: ConsoleLinkRequest): Promise<ConsoleLink> => {
    if (this.#wanted?.console === undefined)
      throw noConsole('the config says authority.console: none; allowed: HOST:PORT there')
    if (this.#failure !== '') throw noConsole(this.#failure)
    if (this.#child?.connected !== true) throw noConsole('it is being started; ask again in a second')
    const id = ++this.#asked
    const waiting = Promise.withResolvers<ConsoleLink>()
    this.#waiting.set(id, waiting)
    this.#send({ type: 'link', id, ...request })
    const timer = setTimeout(() => waiting.reject(noConsole('it does not answer')), PATIENCE)
    return waiting.promise.finally(() => {
      clearTimeout(timer)
      this.#waiting.delete(id)
    })
  }

  async close(): Promise<void> {
    this.#wanted = undefined
    await this.#end()
  }

  #start(): void {
    clearTimeout(this.#timer)
    if (this.#wanted?.console === undefined) return
    const child = this.#options.start()
    this.#child = child
    child.on('message', (message) => this.#take(message as FromConsole))
    child.on('error', () => {})
    child.once('exit', () => {
      this.#child = undefined
      for (const { reject } of this.#waiting.values()) reject(noConsole('it has ended'))
      this.#timer = setTimeout(() => this.#start(), AGAIN_AFTER)
    })
    this.#serve()
  }

  #serve(): void {
    const { console: address, consoleReadOnly: readOnly = false } = this.#wanted ?? {}
    if (address === undefined) return
    this.#send({ type: 'operators', operators: this.#operators })
    this.#send({ type: 'serve', place: this.#options.place, address, readOnly })
  }

  async #end(): Promise<void> {
    clearTimeout(this.#timer)
    const child = this.#child
    if (child === undefined) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill()
    await ended
    clearTimeout(this.#timer)
  }

  #take(message: FromConsole): void {
    switch (message.type) {
      case 'served':
        this.#failure = ''
        this.#report('console-served', { url: message.url })
        return
      case 'not-served':
        // The first failure is told, not each.
        if (this.#failure !== message.message) this.#report('console-failed', { error: message.message })
        this.#failure = message.message
        this.#timer = setTimeout(() => this.#serve(), AGAIN_AFTER)
        return
      case 'link':
        this.#waiting.get(message.id)?.resolve({ url: message.url, endsAt: message.endsAt })
        return
      case 'no-link':
        this.#waiting.get(message.id)?.reject(noConsole(message.message))
        return
      case 'certify':
        void this.#certify(message)
        return
      case 'sessions-failed':
        if (this.#events.take()) this.#report('console-sessions-failed', { error: message.message })
        return
      case 'refused':
        this.#tellRefused(message)
    }
  }

  async #certify({ id, spki }: Extract<FromConsole, { type: 'certify' }>): Promise<void> {
    try {
      const certificate = await this.#options.certify(Buffer.from(spki, 'base64'))
      this.#send({ type: 'certified', id, certificate })
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      this.#send({ type: 'not-certified', id, message })
    }
  }

  /** Strangers can't fill the log. */
  #tellRefused({ rule, message, serial, remote }: Extract<FromConsole, { type: 'refused' }>): void {
    if (!this.#events.take()) return
    this.#report('operator-refused', { code: rule, error: message, serial, remote })
  }

  #send(message: ToConsole): void {
    if (this.#child?.connected) this.#child.send(message, () => {})
  }

  #report(
    kind: 'console-served' | 'console-failed' | 'console-sessions-failed' | 'operator-refused',
    detail: AuthorityEvent['detail'],
  ): void {
    const { report, clock } = this.#options
    report({ kind, subject: 'authority', at: clock(), detail })
  }
}

function noConsole(why: string): AuthorityError {
  return new AuthorityError('NO_CONSOLE', `there is no console: ${why}`)
}
