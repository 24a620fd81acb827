import { connect, type PeerCertificate, type SecureContext, type TLSSocket } from 'node:tls'
import { addressText } from '@datapunk/protocol'
import type { Core } from '../core.ts'
import { MeshError } from '../error.ts'
import type { Current } from '../gate/current.ts'
import type { Contact } from '../gate/gate.ts'
import { setPeer } from '../gate/peer.ts'
import type { Target } from '../gate/resolve.ts'
import type { PresentedCertificate } from '../gate/standing.ts'
import { type Calling, explainFailure, peerRefused, serverRefused, tooSlow } from './call-failure.ts'
import { expectFirstAnswer } from './first-answer.ts'
import type { KeptSession, SessionStore } from './session-store.ts'

/** What connections of one version of pair and view share, and those of another never see. */
export interface Epoch {
  readonly current: Current
  readonly sessions: SessionStore
  readonly context: (minTls: '1.3' | '1.2') => SecureContext
}

/** One connection on its way from TCP to the caller's hands. */
export class OutgoingHandshake {
  readonly #core: Core
  readonly #epoch: Epoch
  readonly #target: Target
  readonly #server: string
  readonly #kept: KeptSession | undefined
  /** The server's certificate: as shown, or as it was when the session was made that is resumed. */
  #leaf: PresentedCertificate | undefined
  /** The OCSP answer that came with it; null where none did. */
  #staple: Uint8Array | null = null
  #connected = false
  #end: (reason: unknown) => void = () => {}

  constructor(core: Core, epoch: Epoch, target: Target) {
    this.#core = core
    this.#epoch = epoch
    this.#target = target
    this.#server = `${target.member.service} ${target.reference.name} ${target.host}:${target.port}`
    this.#kept = epoch.sessions.take(this.#server)
  }

  /** @param timeout milliseconds for TCP and TLS together */
  run(
    alpnProtocols: readonly string[] | undefined,
    timeout: number,
    signal: AbortSignal | undefined,
  ): Promise<TLSSocket> {
    const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>()
    const socket = this.#dial(alpnProtocols)
    const cancelTimeout = this.#core.clock.after(timeout, () =>
      socket.destroy(tooSlow(this.#target, timeout)),
    )
    const abort = () => this.end(abortReason(signal))
    signal?.addEventListener('abort', abort, { once: true })
    const settle = () => {
      cancelTimeout()
      signal?.removeEventListener('abort', abort)
    }
    const fail = (error: Error) => {
      settle()
      reject(this.#explain(error, socket))
    }
    this.#end = (reason) => {
      settle()
      reject(reason)
      socket.destroy()
    }
    socket.once('error', fail)
    socket.once('connect', () => {
      this.#connected = true
    })
    // Before Node's own listener, which destroys the socket of a server that OpenSSL refuses, and its certificate with it.
    socket.prependOnceListener('secure', () => {
      this.#leaf = socket.isSessionReused() ? this.#kept?.leaf : shownBy(socket)
    })
    // Node tells it before `secure`, on full handshakes; and null on resumed ones in TLS 1.3.
    socket.on('OCSPResponse', (staple: Buffer | null) => {
      this.#staple = staple
    })
    socket.on('session', (session) => this.#keep(session))
    socket.once('secureConnect', () => {
      const error = this.#admit(socket)
      if (error !== undefined) {
        socket.destroy(error)
        return
      }
      settle()
      resolve(socket)
      // The caller's own listener is there one turn later at the latest.
      setImmediate(() => socket.removeListener('error', fail))
    })
    return promise
  }

  /** Gives up while it is under way. @param reason what the caller gets */
  end(reason: unknown): void {
    this.#end(reason)
  }

  #dial(alpnProtocols: readonly string[] | undefined): TLSSocket {
    const { host, port, reference, member } = this.#target
    return connect({
      host,
      port,
      ...(reference.kind === 'dns' && { servername: reference.name }),
      ...(alpnProtocols && { ALPNProtocols: [...alpnProtocols] }),
      ...(this.#kept && { session: this.#kept.session }),
      secureContext: this.#epoch.context(member.minTls),
      rejectUnauthorized: true,
      requestOCSP: true,
      checkServerIdentity: (_name: string, leaf: PeerCertificate) =>
        this.#refuse({ ...this.#contact(leaf), staple: this.#staple }),
    })
  }

  /**
   * The verdict, carried out, before anyone can write or read. Node asks `checkServerIdentity` on full handshakes only, so
   * the gate is asked here on every one.
   */
  #admit(socket: TLSSocket): MeshError | undefined {
    const staple = socket.isSessionReused() ? undefined : this.#staple
    const verdict = this.#core.gate.judge({ ...this.#contact(this.#leaf), staple })
    if ('refusal' in verdict) {
      this.#core.refused(verdict.refusal)
      return serverRefused(verdict.refusal)
    }
    const { standing } = verdict
    this.#leaf = standing.presented
    // Without the staple, which would end before the connection does: from here on the bundle decides.
    const connection = { socket, contact: this.#contact(this.#leaf), standing }
    setPeer(socket, standing.peer)
    this.#core.connections.add(connection)
    socket.disableRenegotiation()
    expectFirstAnswer(socket, (cause) => peerRefused(this.#target, this.#calling, cause))
    this.#core.accepted(connection)
    return undefined
  }

  get #calling(): Calling {
    return { ...this.#epoch.current, fault: () => this.#core.gate.selfFault() }
  }

  #contact(leaf: PresentedCertificate | undefined, openssl?: string): Contact {
    const { host, port } = this.#target
    return { direction: 'out', leaf, openssl, remote: () => addressText(host, port), target: this.#target }
  }

  #refuse(contact: Contact): MeshError | undefined {
    const verdict = this.#core.gate.judge(contact)
    if ('standing' in verdict) return undefined
    this.#core.refused(verdict.refusal)
    return serverRefused(verdict.refusal)
  }

  #explain(error: Error, socket: TLSSocket): Error {
    if (error instanceof MeshError) return error
    // OpenSSL's own verdict: Node has refused already, the gate writes the record.
    const refused =
      socket.authorizationError && this.#refuse(this.#contact(this.#leaf, String(socket.authorizationError)))
    if (refused) return refused
    return explainFailure(error, this.#target, this.#calling, this.#connected)
  }

  #keep(session: Buffer): void {
    if (this.#leaf !== undefined) this.#epoch.sessions.put(this.#server, { session, leaf: this.#leaf })
  }
}

/** `abort(null)` gives none that could be thrown. */
export function abortReason(signal: AbortSignal | undefined): unknown {
  return signal?.reason ?? new DOMException('This operation was aborted', 'AbortError')
}

/** Not getPeerX509Certificate(): in Node 24.21 a client has no certificate left after it was asked for that one once. */
export function shownBy(socket: TLSSocket): PresentedCertificate | undefined {
  const certificate: Partial<PeerCertificate> = socket.getPeerCertificate()
  return certificate.raw === undefined ? undefined : (certificate as PeerCertificate)
}
