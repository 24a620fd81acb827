import { encodePem } from '@datapunk/pki'
import {
  type Bundle,
  keyIdOf,
  type Member,
  PROBE,
  type SignedTrustStatement,
  serviceSpiffeId,
} from '@datapunk/protocol'
import { LoggedCertificates } from './logged-certificates.ts'
import { StandingCache } from './standing-cache.ts'

export interface ViewFacts {
  /** The service that looks. */
  readonly service: string
  readonly trust: SignedTrustStatement
  readonly bundle: Bundle
  /** What is known from before; nothing unless given. */
  readonly logged?: LoggedCertificates | undefined
  /** What the service's own config file allows: it can only be stricter than the bundle. */
  readonly file: {
    readonly allow: 'members' | readonly string[]
    readonly minTls: '1.3' | '1.2'
    /** What the clocks of two machines may differ by, milliseconds. */
    readonly clockSkew: number
  }
}

/** What one service believes at one moment: trust statement, bundle and its own file. Never changed, only replaced. */
export class MeshView {
  readonly service: string
  readonly trust: SignedTrustStatement
  readonly bundle: Bundle
  /** This service as the bundle has it; undefined once it is no member any more. */
  readonly self: Member | undefined
  /** As records name this service. */
  readonly selfName: { readonly service: string; readonly spiffeId: string }
  readonly minTls: '1.3' | '1.2'
  /** When everything in it ends, milliseconds since the epoch. */
  readonly expiresAt: number
  /** What the clocks of two machines may differ by, milliseconds. */
  readonly clockSkew: number
  /** Roots and issuing CAs in PEM, for OpenSSL. */
  readonly authorities: string
  /** The logs whose SCTs count: DER SubjectPublicKeyInfo by the hash of it, which is the id of the log (RFC 6962 3.2). */
  readonly logs: ReadonlyMap<string, Uint8Array>
  readonly logged: LoggedCertificates
  /** What the gate found out about certificates under this view. */
  readonly standings = new StandingCache()
  readonly #callers: ReadonlySet<string> | undefined
  readonly #callersByFile: ReadonlySet<string> | undefined

  constructor({ service, trust, bundle, file, logged = new LoggedCertificates() }: ViewFacts) {
    this.service = service
    this.trust = trust
    this.bundle = bundle
    this.self = bundle.members.get(service)
    this.selfName = { service, spiffeId: serviceSpiffeId(trust.trustDomain, service) }
    this.expiresAt = bundle.head.expiresAt + file.clockSkew
    this.clockSkew = file.clockSkew
    this.minTls = file.minTls === '1.2' && this.self?.minTls === '1.2' ? '1.2' : '1.3'
    this.authorities = [...trust.roots, ...trust.issuingCas]
      .map((ca) => encodePem('CERTIFICATE', ca.der))
      .join('')
    this.logs = new Map(trust.logs.map(({ spki }) => [keyIdOf(spki), spki]))
    this.logged = logged
    this.#callers = asSet(this.self?.callers ?? [])
    this.#callersByFile = asSet(file.allow)
  }

  /** Whether a member may call this service: where not, who says so. Whoever probes is let in by nobody, `members` or not. */
  forbids(caller: string): 'bundle' | 'file' | undefined {
    if (caller === PROBE) return 'bundle'
    if (this.#callers !== undefined && !this.#callers.has(caller)) return 'bundle'
    if (this.#callersByFile !== undefined && !this.#callersByFile.has(caller)) return 'file'
    return undefined
  }
}

function asSet(allow: 'members' | readonly string[]): ReadonlySet<string> | undefined {
  return allow === 'members' ? undefined : new Set(allow)
}
