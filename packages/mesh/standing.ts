import { hash } from 'node:crypto'
import type { Certificate } from '@datapunk/pki'
import { keyIdOf, type Member } from '@datapunk/protocol'
import { issuerOf, leafOf, memberOf, pathOf, type Usage } from './leaf-steps.ts'
import { loggedRule, memberRules } from './member-rules.ts'
import type { Peer } from './peer.ts'
import type { Refused } from './refusal.ts'
import type { MeshView } from './view.ts'

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

/**
 * Steps 1 to 5 of the gate for one certificate: everything that does not depend on who asks.
 *
 * @param der the certificate as it was presented; whatever else the peer sent is not looked at
 * @param at milliseconds since the epoch
 * @throws Refused
 */
export function examine(der: Uint8Array, view: MeshView, usage: Usage, at: number): Standing {
  const leaf = leafOf(der)
  const path = pathOf(leaf, view, usage, at)
  const member = memberOf(leaf, view)
  const fingerprint = hash('sha256', der, 'hex')
  const issuerSpki = issuerOf(path)
  const judged = { leaf, member, view, fingerprint, issuerSpki, at }
  const reported = [...memberRules, loggedRule].flatMap(({ check }) => check(judged) ?? [])
  const { notBefore, notAfter } = path
  const peer: Peer = Object.freeze({
    service: member.service,
    spiffeId: member.spiffeId,
    dnsNames: Object.freeze([...(leaf.extensions.subjectAltName?.dnsNames ?? [])]),
    serial: leaf.serial,
    fingerprint,
    notBefore,
    notAfter,
  })
  const presented = { fingerprint256: opensslFingerprint(fingerprint), raw: leaf.der }
  const issuer = keyIdOf(issuerSpki)
  return { member, peer, leaf, presented, reported, issuer, notBefore, notAfter }
}

/** As OpenSSL writes it: upper case, with colons. @param hex lowercase */
export function opensslFingerprint(hex: string): string {
  return hex.toUpperCase().match(/../g)?.join(':') ?? ''
}
