import type { Certificate } from '@datapunk/pki'
import type { Member } from '@datapunk/protocol'
import type { Refused } from '../refusal.ts'
import type { Peer } from './peer.ts'

/** A certificate as it came; those of node:tls and of node:crypto are both such. */
export interface PresentedCertificate {
  /** SHA-256 as OpenSSL writes it: upper case, with colons. To look it up by; far cheaper to get than the bytes. */
  readonly fingerprint256: string
  /** DER. */
  readonly raw: Uint8Array
}

/** A certificate that is a member's, and whose. */
export interface Standing {
  readonly member: Member
  readonly peer: Peer
  readonly leaf: Certificate
  /** The same, without OpenSSL's object behind it, to be kept. */
  readonly presented: PresentedCertificate
  /** What it would be refused for, were those checks not only to be reported. */
  readonly reported: readonly Refused[]
  /** The issuing CA that has signed it, by the `keyIdOf` of its key. */
  readonly issuer: string
  /** The time in which all of it holds: the certificate's own and that of the chain above it. Milliseconds. */
  readonly notBefore: number
  readonly notAfter: number
}
