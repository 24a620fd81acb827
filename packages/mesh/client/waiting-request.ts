import type { ClientRequest } from 'node:http'
import type { Clock } from '../clock.ts'

/** What a timer can hold. */
const LONGEST_DELAY = 2 ** 31 - 1

/**
 * A request that has no connection yet. An agent of Node's gives it a socket at once, to be timed and destroyed with it. Ours gives it
 * one that has passed the gate: until then, both are heard here.
 */
export class WaitingRequest {
  readonly #request: ClientRequest
  readonly #clock: Clock
  readonly #gone = new AbortController()
  #isWaiting = true
  #cancelTimeout = () => {}

  constructor(request: ClientRequest, clock: Clock) {
    this.#request = request
    this.#clock = clock
    this.#hear()
    this.#time((request as { timeout?: number }).timeout ?? 0)
    if (request.destroyed) this.#gone.abort()
    for (const event of ['socket', 'close']) request.once(event, () => this.#settle())
  }

  /** Aborted when the request is destroyed, by its own signal or anyone. */
  get signal(): AbortSignal {
    return this.#gone.signal
  }

  /** Lets a request that was destroyed tell so, as Node has it: with what it was destroyed by. */
  tellDestroyed(): void {
    this.#request.onSocket(undefined as unknown as Parameters<ClientRequest['onSocket']>[0])
  }

  #hear(): void {
    const request = this.#request
    const { destroy, setTimeout } = request
    request.destroy = (error) => {
      destroy.call(request, error)
      this.#gone.abort()
      return request
    }
    request.setTimeout = (timeout, callback) => {
      setTimeout.call(request, timeout, callback)
      this.#time(timeout)
      return request
    }
  }

  #time(timeout: number): void {
    this.#cancelTimeout()
    if (!this.#isWaiting || timeout <= 0) return
    const tell = () => this.#request.emit('timeout')
    this.#cancelTimeout = this.#clock.after(Math.min(timeout, LONGEST_DELAY), tell)
  }

  #settle(): void {
    this.#isWaiting = false
    this.#cancelTimeout()
  }
}
