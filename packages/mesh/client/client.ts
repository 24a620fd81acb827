import { createSecureContext, type TLSSocket } from 'node:tls'
import { checkDelay } from '../clock.ts'
import type { Core } from '../core.ts'
import { MeshError } from '../error.ts'
import { memberAt, resolveTarget } from '../gate/resolve.ts'
import { clientContextOptions } from '../tls-profile.ts'
import { abortReason, type Epoch, OutgoingHandshake } from './outgoing-handshake.ts'
import { SessionStore } from './session-store.ts'

export interface ConnectOptions {
  /** A DNS name or IP address of a member, or its service name. */
  readonly host: string
  /** Left out: the port of the member's `address`. */
  readonly port?: number | undefined
  /** Application protocols to offer, as in `['h2']`; without any, none is negotiated. */
  readonly alpnProtocols?: readonly string[] | undefined
  /** Milliseconds for TCP and TLS together, from 1 to 2^31 − 1; 10,000 unless given. */
  readonly timeout?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Milliseconds. */
export const DEFAULT_TIMEOUT = 10_000

/** The calling half of a mesh: every way of calling ends here, so that there is one gate for all. */
export class Client {
  readonly #core: Core
  #epoch: Epoch | undefined
  readonly #underWay = new Set<OutgoingHandshake>()
  #left = false

  constructor(core: Core) {
    this.#core = core
  }

  /** The version that new connections are made under. */
  get version(): number {
    return this.#core.source.current().version
  }

  /**
   * Connects to a member and lets its certificate pass the gate. The socket is given out only then: before that, not one
   * byte can be written to it.
   */
  async connect({
    host,
    port,
    alpnProtocols,
    timeout = DEFAULT_TIMEOUT,
    signal,
  }: ConnectOptions): Promise<TLSSocket> {
    checkDelay('connect: timeout', timeout)
    if (signal?.aborted) throw abortReason(signal)
    if (this.#left) throw left()
    const epoch = this.#currentEpoch()
    const target = resolveTarget(epoch.current.view, host, port)
    const handshake = new OutgoingHandshake(this.#core, epoch, target)
    this.#underWay.add(handshake)
    try {
      return await handshake.run(alpnProtocols, timeout, signal)
    } finally {
      this.#underWay.delete(handshake)
    }
  }

  /**
   * The service that a host belongs to.
   *
   * @throws MeshError `NAME_UNKNOWN`
   */
  memberAt(host: string): string {
    return memberAt(this.#core.source.current().view, host).service
  }

  /** Makes every connection fail from now on, those under way too. */
  leave(): void {
    this.#left = true
    this.#epoch = undefined
    for (const handshake of this.#underWay) handshake.end(left())
  }

  #currentEpoch(): Epoch {
    const current = this.#core.source.current()
    if (this.#epoch?.current.version !== current.version) {
      const context = (minTls: '1.3' | '1.2') => createSecureContext(clientContextOptions(current, minTls))
      this.#epoch = { current, sessions: new SessionStore(), context: memoized(context) }
    }
    return this.#epoch as Epoch
  }
}

function memoized<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, Value>()
  return (key) => {
    const value = made.get(key) ?? make(key)
    made.set(key, value)
    return value
  }
}

export function left(): MeshError {
  return new MeshError('LEFT', 'found a call after mesh.leave(); allowed: calls before it: join again')
}
