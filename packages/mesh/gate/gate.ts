import type { Usage } from '@datapunk/pki'
import type { Clock } from '../clock.ts'
import { type Refusal, Refused } from '../refusal.ts'
import { callerRule, targetRule } from './call-rules.ts'
import { claimedIdentity, clipped } from './claimed-identity.ts'
import type { CurrentSource } from './current.ts'
import { examine } from './examine.ts'
import { opensslRule } from './openssl-reason.ts'
import { type OwnState, ownRules } from './own-rules.ts'
import type { Target } from './resolve.ts'
import { checkStaple } from './server-staple.ts'
import type { PresentedCertificate, Standing } from './standing.ts'
import type { MeshView } from './view.ts'
import { whyCommand, withWhy } from './why-command.ts'

/** A connection whose TLS handshake is done and whose first application byte has gone neither way. */
export interface Contact {
  /** `in`: someone calls this service; `out`: this service calls. */
  readonly direction: 'in' | 'out'
  /** The certificate presented. On a resumed session it is all that is known; the rest of the chain is not asked for. */
  readonly leaf: PresentedCertificate | undefined
  /** OpenSSL's reason to refuse, as in `CERT_HAS_EXPIRED`; undefined where it would let the peer pass. */
  readonly openssl: string | undefined
  /**
   * Outgoing, at a full handshake: the OCSP answer that came with the certificate, null where none did. Left out where there
   * was none to ask for: callers can't staple in Node, and a resumed session repeats nothing.
   */
  readonly staple?: Uint8Array | null | undefined
  /** Tells `address:port` of the other end, while the socket is open. */
  readonly remote: () => string | undefined
  /** Outgoing: whom this service meant to call. */
  readonly target?: Target
}

export type Verdict = { readonly standing: Standing } | { readonly refusal: Refusal }

/**
 * The gate: one synchronous verdict on every connection, both ways, resumed or not. It stands before every listener, so
 * that not one application byte is handled for a peer it refuses.
 */
export class Gate {
  readonly #source: CurrentSource
  readonly #clock: Clock
  #closed = false

  /** @param source asked at every connection: a new bundle is nobody's special case */
  constructor(source: CurrentSource, clock: Clock) {
    this.#source = source
    this.#clock = clock
  }

  /** Refuses everything from now on. */
  close(): void {
    this.#closed = true
  }

  /** Never throws: what can't be judged is refused. */
  judge(contact: Contact): Verdict {
    const { view, identity } = this.#source.current()
    const at = this.#clock.now()
    try {
      if (this.#closed) throw hasLeft(view)
      return { standing: pass(contact, { view, serial: identity.leaf.serial, at }) }
    } catch (error) {
      return { refusal: recordOf(contact, view, at, error) }
    }
  }

  /** What every peer would be refused for now, or would refuse this service for; undefined where there is nothing. */
  selfFault(): Refused | undefined {
    const { view, identity } = this.#source.current()
    const at = this.#clock.now()
    const own = { view, serial: identity.leaf.serial, at }
    try {
      if (this.#closed) throw hasLeft(view)
      for (const { check } of ownRules) check(own)
      examine(identity.leaf.der, view, 'serverAuth', at)
      return undefined
    } catch (error) {
      return asRefused(error)
    }
  }
}

/** Story 2, Handshake. */
export function pass(contact: Contact, own: OwnState): Standing {
  const { leaf, openssl, staple, target } = contact
  const { view, at } = own
  for (const { check } of ownRules) check(own)

  // 0. OpenSSL's own verdict, so that ours can only be stricter.
  if (leaf === undefined) throw noCertificate(contact)
  if (openssl !== undefined) throw refusedByOpenssl(openssl)

  // 1. Path and leaf profile, strictly, up to the trust statement's CAs and never by way of what the peer sent.
  // 2. A member of this mesh, by SPIFFE ID; its names and its subject as the bundle has them.
  // 3. Not revoked, by the bundle's list of serials.
  // 4. Pinned: its key is one that the bundle names.
  // 5. Logged: a log of the mesh has promised to hold it. Where 4 or 5 is only to be reported, it is said beside the verdict.
  //    These five once per certificate and bundle.
  const usage = usageOf(contact)
  const standing = view.standings.of(leaf.fingerprint256, usage, at, () => examine(leaf.raw, view, usage, at))
  //    A server's staple besides, where the handshake was a full one.
  if (staple !== undefined) checkStaple(standing, staple, view, at)
  //    A server is the member that owns the name asked for, and its certificate says so too.
  if (target !== undefined) targetRule.check({ ...standing, target })

  // 6. May this caller call this service?
  if (contact.direction === 'in') callerRule.check({ ...standing, view })

  // 7. Whoever asked registers the connection under its serial (`connections.ts`) before anyone else hears of it.
  return standing
}

/** What the other end shows its certificate for. */
export function usageOf({ direction }: Pick<Contact, 'direction'>): Usage {
  return direction === 'in' ? 'clientAuth' : 'serverAuth'
}

function hasLeft(view: MeshView): Refused {
  return new Refused(
    'LEFT',
    `${view.service} has left the mesh, so nobody is served`,
    'close servers before mesh.leave()',
  )
}

export function noCertificate({ direction }: Pick<Contact, 'direction'>): Refused {
  return new Refused(
    'NO_CERTIFICATE',
    `found a ${direction === 'in' ? 'caller' : 'server'} without a certificate; allowed: members of the mesh`,
    'present the pair that `mtls apply` wrote, as `join` does',
  )
}

function refusedByOpenssl(reason: string): Refused {
  return new Refused(
    opensslRule(reason),
    `found a certificate that OpenSSL refuses (${reason}); allowed: a valid one of this mesh`,
    'use the pair that `mtls apply` wrote; `mtls inspect FILE` shows what this one is',
  )
}

/** The record of a refusal, whatever it was that was thrown. */
export function recordOf(contact: Contact, view: MeshView, at: number, error: unknown): Refusal {
  const refused = asRefused(error)
  const { direction, target } = contact
  const peer = claimedIdentity(contact.leaf?.raw, refused.leaf, view)
  const why =
    direction === 'in'
      ? whyCommand(peer.service, view.service)
      : whyCommand(view.service, target?.member.service ?? peer.service)
  // Not frozen: pino marks whatever has a message while it looks through an error, and this goes along with one.
  return {
    at,
    code: direction === 'in' ? 'CALLER_REFUSED' : 'SERVER_REFUSED',
    rule: refused.rule,
    direction,
    self: view.selfName,
    peer,
    remote: contact.remote(),
    openssl: contact.openssl,
    message: clipped(refused.message),
    fix: withWhy(refused.fix, why),
    why,
  }
}

function asRefused(error: unknown): Refused {
  if (error instanceof Refused) return error
  const fix = 'report this: a refusal must have a rule'
  return new Refused('CHECK_FAILED', `the check itself failed: ${error}`, fix, { cause: error })
}
