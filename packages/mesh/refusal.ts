import type { Certificate, PkiErrorCode } from '@datapunk/pki'

/** The gate's own rules; those of path and leaf profile bear the names that pki gives them. */
export type GateRule =
  | 'BUNDLE_EXPIRED'
  | 'CALLER_NOT_ALLOWED'
  | 'CHECK_FAILED'
  | 'LEFT'
  | 'NAME_NOT_LISTED'
  | 'NOT_A_MEMBER'
  | 'NOT_LOGGED'
  | 'NOT_PINNED'
  | 'NO_CERTIFICATE'
  | 'OPENSSL_REFUSED'
  | 'OTHER_SERVICE'
  | 'REVOKED'
  | 'SELF_NOT_A_MEMBER'
  | 'SELF_REVOKED'
  | 'STAPLE_BAD'
  | 'STAPLE_MISSING'
  | 'SUBJECT_NOT_ACCEPTED'
  | 'TLS_HANDSHAKE_FAILED'

export type Rule = GateRule | PkiErrorCode

/** One record per refusal, on the side that refuses. */
export interface Refusal {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** As a MeshError's: what happened, whatever the rule. */
  readonly code: 'CALLER_REFUSED' | 'SERVER_REFUSED'
  readonly rule: Rule
  /** `in`: a caller was refused; `out`: a server that this service called. */
  readonly direction: 'in' | 'out'
  /** Who refuses. */
  readonly self: { readonly service: string; readonly spiffeId: string }
  /** Who was refused, as far as the presented certificate says; none of it is proven. */
  readonly peer: ClaimedPeer
  /** `address:port` of the other end, where it is still known. */
  readonly remote: string | undefined
  /** OpenSSL's own reason, where it refused first. */
  readonly openssl: string | undefined
  /** What was found, and what is allowed. */
  readonly message: string
  /** What repairs it, and `why` in words. */
  readonly fix: string
  /** As in `mtls why nexus lake`; undefined where the other end is not known to be a member. */
  readonly why: string | undefined
}

export interface ClaimedPeer {
  readonly service: string | undefined
  readonly spiffeId: string | undefined
  readonly subject: string | undefined
  /** Lowercase hex. */
  readonly serial: string | undefined
  /** SHA-256 of the certificate, lowercase hex. */
  readonly fingerprint: string | undefined
}

/** What an error for a refusal carries in its `data`. */
export function refusalData({ rule, self, peer, why }: Refusal): Readonly<Record<string, unknown>> {
  return { rule, self: self.service, peer: peer.service, serial: peer.serial, why }
}

/** Thrown by the steps of the gate; the gate itself turns it into a `Refusal`. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly rule: Rule
  readonly fix: string
  readonly leaf: Certificate | undefined

  constructor(
    rule: Rule,
    message: string,
    fix: string,
    options: { leaf?: Certificate | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.rule = rule
    this.fix = fix
    this.leaf = options.leaf
  }
}
