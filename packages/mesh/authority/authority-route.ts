import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { type AuthorityAddress, addressText } from '@datapunk/protocol'
import { serverRefused } from '../client/call-failure.ts'
import { shownBy } from '../client/outgoing-handshake.ts'
import type { Clock } from '../clock.ts'
import { MeshError } from '../error.ts'
import type { Current } from '../gate/current.ts'
import { type Contact, recordOf } from '../gate/gate.ts'
import { opensslRule } from '../gate/openssl-reason.ts'
import type { MeshView } from '../gate/view.ts'
import { type Refusal, Refused } from '../refusal.ts'
import { clientContextOptions } from '../tls-profile.ts'
import { callAuthority, callSocket } from './authority-call.ts'
import {
  type AuthorityStanding,
  type AuthorityTrust,
  examineAuthority,
  seeWhatListens,
} from './authority-standing.ts'

/** Where the authority may be reached. */
export interface AuthorityPlace {
  /** `mesh.sock`, which may not be there. */
  readonly socket: string
  /** By TLS, where the config has `authority.listen`. */
  readonly address: AuthorityAddress | undefined
}

export interface AuthorityRouteOptions {
  readonly place: () => AuthorityPlace
  readonly current: () => Current
  readonly clock: Clock
  /** Told of whoever answered in the authority's place. */
  readonly refused: (refusal: Refusal) => void
}

/** A connection to the authority over which nothing has been said. */
export interface AuthorityContact {
  readonly socket: Socket
  /** Of the authority on another host; a socket of this machine shows no certificate. */
  readonly standing: AuthorityStanding | undefined
}

/** The way to the authority: its socket where that answers, else TLS to the address that the config has. */
export class AuthorityRoute {
  readonly #options: AuthorityRouteOptions
  #context: { readonly version: number; readonly context: SecureContext } | undefined

  constructor(options: AuthorityRouteOptions) {
    this.#options = options
  }

  /**
   * @throws MeshError `AUTHORITY_UNREACHABLE`, `SERVER_REFUSED`; the error of the socket where there is no other way
   */
  async connect(signal: AbortSignal): Promise<AuthorityContact> {
    const { socket, address } = this.#options.place()
    try {
      return { socket: await callSocket(socket, signal), standing: undefined }
    } catch (error) {
      if (address === undefined || signal.aborted) throw error
      return this.#callSecurely(address, signal)
    }
  }

  /** Whether a connection to whoever stands so would be made now: its issuing CA is trusted, and not on its way out. */
  isGood({ der, issuer }: AuthorityStanding): boolean {
    const { view } = this.#options.current()
    if (view.bundle.draining.has(issuer)) return false
    try {
      examineAuthority(der, authorityTrust(view), this.#options.clock.now())
      return true
    } catch {
      return false
    }
  }

  /** That the authority let a handshake be made, and then closed. */
  closedEarly(): MeshError {
    const { address } = this.#options.place()
    const { identity, view } = this.#options.current()
    const { serial } = identity.leaf
    return new MeshError(
      'PEER_REFUSED',
      `the authority at ${address && addressText(address.host, address.port)} closed the connection right after the handshake: found, most likely, that it refuses the certificate ${serial} of ${view.service}; allowed: the pair it has issued last, of a member: see its "peer-refused" event, and copy the pair to this machine`,
      { data: { ...address, self: view.service, serial } },
    )
  }

  #callSecurely(address: AuthorityAddress, signal: AbortSignal): Promise<AuthorityContact> {
    const { current, clock } = this.#options
    const { trustDomain } = current().view.trust
    const judge = (socket: TLSSocket) => this.#judge(socket, address)
    return callAuthority({ address, trustDomain, context: this.#ownContext(), clock, signal, judge })
  }

  #judge(socket: TLSSocket, address: AuthorityAddress): AuthorityStanding {
    const { current, clock, refused } = this.#options
    const { view } = current()
    const at = clock.now()
    const openssl = socket.authorized ? undefined : String(socket.authorizationError)
    const leaf = shownBy(socket)
    try {
      if (leaf === undefined)
        throw new Refused('NO_CERTIFICATE', 'found nobody who shows a certificate', seeWhatListens)
      const standing = examineAuthority(leaf.raw, authorityTrust(view), at)
      if (openssl === undefined) return standing
      const found = `found a certificate that OpenSSL refuses (${openssl})`
      throw new Refused(opensslRule(openssl), found, seeWhatListens)
    } catch (error) {
      const contact: Contact = {
        direction: 'out',
        leaf,
        openssl,
        remote: () => addressText(address.host, address.port),
      }
      const refusal = recordOf(contact, view, at, error)
      refused(refusal)
      throw serverRefused(refusal)
    }
  }

  #ownContext(): SecureContext {
    const current = this.#options.current()
    if (this.#context?.version !== current.version) {
      const context = createSecureContext(clientContextOptions(current, '1.3'))
      this.#context = { version: current.version, context }
    }
    return this.#context.context
  }
}

function authorityTrust({ trust, bundle }: MeshView): AuthorityTrust {
  return { ...trust, revoked: bundle.revoked }
}
