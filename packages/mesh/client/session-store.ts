import type { PresentedCertificate } from '../gate/standing.ts'

/** Tickets kept for one server: OpenSSL sends two after a full handshake. */
const PER_SERVER = 4

/** Servers remembered; beyond that the longest unused is forgotten and met with a full handshake. */
const SERVERS = 1024

/** A session, and the certificate of the server it was made with: a resumed handshake does not show it again. */
export interface KeptSession {
  readonly session: Buffer
  readonly leaf: PresentedCertificate
}

/**
 * TLS sessions to resume, by server. Each is used once (RFC 8446 C.4: used twice, it would let an onlooker link the two
 * connections). The store is thrown away with the pair and the view its sessions were made under.
 */
export class SessionStore {
  readonly #sessions = new Map<string, KeptSession[]>()

  /** The newest session for a server, which is then no longer here. */
  take(server: string): KeptSession | undefined {
    const sessions = this.#sessions.get(server)
    const session = sessions?.pop()
    if (sessions?.length === 0) this.#sessions.delete(server)
    return session
  }

  put(server: string, session: KeptSession): void {
    const sessions = this.#sessions.get(server) ?? []
    this.#sessions.delete(server)
    this.#sessions.set(server, [...sessions, session].slice(-PER_SERVER))
    if (this.#sessions.size > SERVERS) this.#sessions.delete(this.#sessions.keys().next().value as string)
  }
}
