import type { TLSSocket } from 'node:tls'
import { atTime, type Clock } from './clock.ts'
import { MeshError } from './error.ts'
import type { Contact, Verdict } from './gate.ts'
import type { Refusal } from './refusal.ts'
import type { Standing } from './standing.ts'

/** A connection that passed the gate and is open. */
export interface Connection {
  readonly socket: TLSSocket
  readonly contact: Contact
  readonly standing: Standing
}

/** A connection that was ended before its time. */
export interface Cut {
  readonly connection: Connection
  /** `address:port` of the other end. */
  readonly remote: string | undefined
  /** Why: `CERTIFICATE_EXPIRED` at the end of the peer's certificate, else what the gate says now. */
  readonly error: MeshError
}

interface SerialGroup {
  readonly connections: Set<Connection>
  readonly cancelEnd: () => void
}

/**
 * Every open connection, both ways, under the serial of the peer's certificate. It ends when that certificate does, and
 * is judged again whenever the mesh changes.
 */
export class Connections {
  readonly #groups = new Map<string, SerialGroup>()
  readonly #clock: Clock
  readonly #onCut: (cut: Cut) => void
  #size = 0

  constructor(clock: Clock, onCut: (cut: Cut) => void) {
    this.#clock = clock
    this.#onCut = onCut
  }

  get size(): number {
    return this.#size
  }

  *[Symbol.iterator](): IterableIterator<Connection> {
    for (const { connections } of this.#groups.values()) yield* connections
  }

  add(connection: Connection): void {
    const group = this.#groupOf(connection.standing)
    group.connections.add(connection)
    this.#size++
    connection.socket.once('close', () => this.#remove(connection, group))
  }

  /** Asks the gate about every open connection again and cuts those it would refuse now. */
  rejudge(judge: (contact: Contact) => Verdict): void {
    for (const connection of [...this]) {
      // OpenSSL's verdict was of the handshake; what may have changed since is ours to say.
      const verdict = judge({ ...connection.contact, openssl: undefined })
      if ('refusal' in verdict) this.#cut(connection, cutBy(verdict.refusal))
    }
  }

  /** Ends all that are left, because nobody will watch them any more. */
  endAll(): void {
    for (const { socket } of [...this]) socket.destroy()
  }

  #groupOf({ peer }: Standing): SerialGroup {
    const known = this.#groups.get(peer.serial)
    if (known !== undefined) return known
    // RFC 5280 4.1.2.5: the period of validity includes all of the last second.
    const cancelEnd = atTime(this.#clock, peer.notAfter + 1000, () => this.#endOf(peer.serial))
    const group = { connections: new Set<Connection>(), cancelEnd }
    this.#groups.set(peer.serial, group)
    return group
  }

  #endOf(serial: string): void {
    for (const connection of [...(this.#groups.get(serial)?.connections ?? [])]) {
      this.#cut(connection, expired(connection.standing))
    }
  }

  #cut(connection: Connection, error: MeshError): void {
    const { socket } = connection
    if (socket.destroyed) return
    // At once, not at its 'close': what was cut is open no more.
    const group = this.#groups.get(connection.standing.peer.serial)
    if (group !== undefined) this.#remove(connection, group)
    const remote = connection.contact.remote()
    // An 'error' nobody listens to would end the process.
    socket.destroy(socket.listenerCount('error') > 0 ? error : undefined)
    this.#onCut({ connection, remote, error })
  }

  #remove(connection: Connection, group: SerialGroup): void {
    if (!group.connections.delete(connection)) return
    this.#size--
    if (group.connections.size > 0) return
    group.cancelEnd()
    this.#groups.delete(connection.standing.peer.serial)
  }
}

function cutBy(refusal: Refusal): MeshError {
  return new MeshError('CONNECTION_CUT', `the connection was cut: ${refusal.message}: ${refusal.fix}`, {
    refusal,
    data: { rule: refusal.rule },
  })
}

function expired({ peer }: Standing): MeshError {
  return new MeshError(
    'CONNECTION_CUT',
    `the connection was cut: found the certificate ${peer.serial} of ${peer.service} at its end (${new Date(peer.notAfter).toISOString()}); allowed: connections while it is valid: connect anew`,
    { data: { rule: 'CERTIFICATE_EXPIRED', serial: peer.serial, notAfter: peer.notAfter } },
  )
}
