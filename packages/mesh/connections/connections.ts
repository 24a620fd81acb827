import type { TLSSocket } from 'node:tls'
import { endOf } from '@datapunk/pki'
import { MAX_REPORTED_CONNECTIONS, type Report } from '@datapunk/protocol'
import { atTime, type Clock } from '../clock.ts'
import { MeshError } from '../error.ts'
import type { Contact, Verdict } from '../gate/gate.ts'
import type { Standing } from '../gate/standing.ts'
import { type Refusal, refusalData } from '../refusal.ts'
import { cutShort } from './cut-short.ts'
import { drain } from './drain.ts'

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
  /** How many of them this service has made. */
  made: number
  readonly cancelEnd: () => void
}

/** How long before its certificate's end a connection takes no new request: this, or a tenth of the life it has left. */
const DRAIN_BEFORE_END = 60_000

export interface ConnectionsListener {
  readonly cut: (cut: Cut) => void
  /** Whom this service is connected with is not as it was. */
  readonly othersChanged: () => void
  /** It ends before long; told once of each. */
  readonly draining: (connection: Connection) => void
  /** Connections that this service made are to be used for no new request; told once of each. */
  readonly outgoingDrained: (sockets: readonly TLSSocket[]) => void
}

/**
 * Every open connection, both ways, under the serial of the peer's certificate. It ends when that certificate does, and
 * is judged again whenever the mesh changes.
 */
export class Connections {
  readonly #groups = new Map<string, SerialGroup>()
  readonly #clock: Clock
  readonly #listener: ConnectionsListener
  /** Issuing CAs on their way out, by the hash of their keys. */
  #draining: ReadonlySet<string> = new Set()
  /** Those that take no new request. */
  readonly #drained = new WeakSet<Connection>()
  #size = 0

  constructor(clock: Clock, listener: ConnectionsListener) {
    this.#clock = clock
    this.#listener = listener
  }

  get size(): number {
    return this.#size
  }

  /** How many are open by the serial at the other end, the most first, as a report has room for them. */
  counts(): Pick<Report, 'connections' | 'open'> {
    const connections = [...this.#groups]
      .map(([serial, { connections, made }]) => ({ serial, count: connections.size, made }))
      .sort((a, b) => b.count - a.count)
      .slice(0, MAX_REPORTED_CONNECTIONS)
    return { connections, open: this.#size }
  }

  *[Symbol.iterator](): IterableIterator<Connection> {
    for (const { connections } of this.#groups.values()) yield* connections
  }

  add(connection: Connection): void {
    const group = this.#groupOf(connection.standing)
    group.connections.add(connection)
    this.#size++
    if (connection.contact.direction === 'out') group.made++
    connection.socket.once('close', () => this.#remove(connection, group))
    // A server that has not taken up its new pair yet is called again for the next request. Who calls us with an old one
    // moves over by himself, and is not turned away before his first request.
    const { contact, standing } = connection
    if (contact.direction === 'out' && this.#draining.has(standing.issuer)) this.#drain([connection])
  }

  /** Asks the gate about every open connection again and cuts those it would refuse now. */
  rejudge(judge: (contact: Contact) => Verdict): void {
    for (const connection of [...this]) {
      // OpenSSL's verdict was of the handshake; what may have changed since is ours to say.
      const verdict = judge({ ...connection.contact, openssl: undefined })
      if ('refusal' in verdict) this.#cut(connection, cutBy(verdict.refusal))
    }
  }

  /** Moves connections under issuing CAs that are on their way out to new ones: no new request, and time for the others. */
  drainIssuedBy(issuers: ReadonlySet<string>): void {
    this.#draining = issuers
    this.#drain([...this].filter(({ standing }) => issuers.has(standing.issuer)))
  }

  /** Ends all that are left, because nobody will watch them any more. */
  endAll(): void {
    for (const { socket } of [...this]) cutShort(socket)
  }

  #groupOf({ peer }: Standing): SerialGroup {
    const known = this.#groups.get(peer.serial)
    if (known !== undefined) return known
    const end = endOf(peer.notAfter)
    const cancelCut = atTime(this.#clock, end, () => this.#endOf(peer.serial))
    const notice = Math.min(DRAIN_BEFORE_END, (end - this.#clock.now()) / 10)
    const cancelDrain = atTime(this.#clock, end - notice, () => this.#drainSerial(peer.serial))
    const cancelEnd = () => {
      cancelCut()
      cancelDrain()
    }
    const group = { connections: new Set<Connection>(), made: 0, cancelEnd }
    this.#groups.set(peer.serial, group)
    this.#listener.othersChanged()
    return group
  }

  #drainSerial(serial: string): void {
    this.#drain([...(this.#groups.get(serial)?.connections ?? [])])
  }

  /** Those that are drained already have been moved. */
  #drain(connections: readonly Connection[]): void {
    const undrained = connections.filter((connection) => !this.#drained.has(connection))
    const outgoing: TLSSocket[] = []
    for (const connection of undrained) {
      this.#drained.add(connection)
      if (connection.contact.direction === 'out') outgoing.push(connection.socket)
      else drain(connection.socket)
    }
    if (outgoing.length > 0) this.#listener.outgoingDrained(outgoing)
    // Those that nothing went over were closed by that.
    for (const connection of undrained) if (!connection.socket.destroyed) this.#listener.draining(connection)
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
    cutShort(socket, socket.listenerCount('error') > 0 ? error : undefined)
    this.#listener.cut({ connection, remote, error })
  }

  #remove(connection: Connection, group: SerialGroup): void {
    if (!group.connections.delete(connection)) return
    this.#size--
    if (connection.contact.direction === 'out') group.made--
    if (group.connections.size > 0) return
    group.cancelEnd()
    this.#groups.delete(connection.standing.peer.serial)
    this.#listener.othersChanged()
  }
}

function cutBy(refusal: Refusal): MeshError {
  return new MeshError('CONNECTION_CUT', `the connection was cut: ${refusal.message}: ${refusal.fix}`, {
    refusal,
    data: refusalData(refusal),
  })
}

function expired({ peer }: Standing): MeshError {
  return new MeshError(
    'CONNECTION_CUT',
    `the connection was cut: found the certificate ${peer.serial} of ${peer.service} at its end (${new Date(peer.notAfter).toISOString()}); allowed: connections while it is valid: connect anew`,
    { data: { rule: 'CERTIFICATE_EXPIRED', serial: peer.serial, notAfter: peer.notAfter } },
  )
}
