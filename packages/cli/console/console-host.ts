import type { ChildProcess } from 'node:child_process'
import {
  AuthorityError,
  type AuthorityEvent,
  type ConsoleLink,
  type ConsoleLinkRequest,
  type Happening,
  MessageBudget,
} from '@datapunk/authority'
import type { Config, ConfigPlace, OperatorConfig } from '@datapunk/protocol'
import type { FromConsole, ToConsole } from './messages.ts'

export interface ConsoleHostOptions {
  readonly place: ConfigPlace
  readonly clock: () => number
  /** Calls once, after so many milliseconds. @returns takes the call back */
  readonly after: (delay: number, call: () => void) => () => void
  readonly report: (event: AuthorityEvent) => void
  /** Certifies a key that the process shows operators, DER SubjectPublicKeyInfo. @returns PEM: leaf, then issuing CA */
  readonly certify: (spki: Uint8Array) => Promise<string>
  /** Starts the process; its program calls `runConsole`. What it throws is told, and it is tried again. */
  readonly start: () => ChildProcess
}

/** Between two tries to listen, and from an end of the process to its next start: there twice as long each time, up to a minute. */
const AGAIN_AFTER = 1000
const LONGEST_WAIT = 60_000

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
  /** When it served; undefined: not since it was started. */
  #servedAt: number | undefined
  /** Since it last went on serving for as long as the longest wait. */
  #ends = 0
  #takeBackNext: () => void = () => {}
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
    this.#ends = 0
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
    if (this.#wanted?.console === undefined) return
    this.#servedAt = undefined
    let child: ChildProcess
    try {
      child = this.#options.start()
    } catch (error) {
      this.#ended(undefined, (error as Error).message)
      return
    }
    this.#child = child
    child.on('message', (message) => this.#take(message as FromConsole))
    child.once('exit', (code, signal) => this.#ended(child, signal ?? `exit code ${code}`))
    child.on('error', ({ message }) => {
      // It has no end where it could not even be started.
      if (child.pid === undefined) this.#ended(child, message)
    })
    this.#serve()
  }

  /** @param child undefined: it could not be started */
  #ended(child: ChildProcess | undefined, how: string): void {
    this.#child = undefined
    for (const { reject } of this.#waiting.values()) reject(noConsole('it has ended'))
    // Whoever ends `mtls up` with a signal to all of its processes, as systemd does, ends this one first.
    if (child?.killed !== true && how !== 'SIGTERM') this.#failed(endText(how, this.#servedAt !== undefined))
    const servedFor = this.#options.clock() - (this.#servedAt ?? Number.POSITIVE_INFINITY)
    if (servedFor >= LONGEST_WAIT) this.#ends = 0
    this.#next(Math.min(LONGEST_WAIT, AGAIN_AFTER * 2 ** this.#ends++), () => this.#start())
  }

  #next(delay: number, deed: () => void): void {
    this.#takeBackNext()
    this.#takeBackNext = this.#options.after(delay, deed)
  }

  /** The first failure is told, not each. */
  #failed(error: string): void {
    if (this.#failure !== error) this.#report({ kind: 'console-failed', detail: { error } })
    this.#failure = error
  }

  #serve(): void {
    this.#takeBackNext()
    const { console: address, consoleReadOnly: readOnly = false } = this.#wanted ?? {}
    if (address === undefined) return
    this.#send({ type: 'operators', operators: this.#operators })
    this.#send({ type: 'serve', place: this.#options.place, address, readOnly })
  }

  async #end(): Promise<void> {
    const child = this.#child
    // One that could not be started does not end.
    if (child?.pid !== undefined) {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await ended
    }
    if (this.#wanted?.console === undefined) this.#takeBackNext()
  }

  #take(message: FromConsole): void {
    switch (message.type) {
      case 'served':
        this.#failure = ''
        this.#servedAt = this.#options.clock()
        this.#report({ kind: 'console-served', detail: { url: message.url } })
        return
      case 'not-served':
        this.#failed(message.message)
        this.#next(AGAIN_AFTER, () => this.#serve())
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
        if (this.#events.take())
          this.#report({ kind: 'console-sessions-failed', detail: { error: message.message } })
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
    this.#report({ kind: 'operator-refused', detail: { code: rule, error: message, serial, remote } })
  }

  #send(message: ToConsole): void {
    if (this.#child?.connected) this.#child.send(message, () => {})
  }

  #report(
    told: Happening<'console-served' | 'console-failed' | 'console-sessions-failed' | 'operator-refused'>,
  ): void {
    const { report, clock } = this.#options
    report({ ...told, subject: 'authority', at: clock() })
  }
}

/** @param how `exit code 1` */
function endText(how: string, hasServed: boolean): string {
  const when = hasServed ? '' : ' before it served'
  return `its process has ended${when} (${how}); why is on the standard error of \`mtls up\`. It is started again, after a minute at most; authority.console: none does without it`
}

function noConsole(why: string): AuthorityError {
  return new AuthorityError('NO_CONSOLE', `there is no console: ${why}`)
}
