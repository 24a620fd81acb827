import { hash } from 'node:crypto'
import type { Usage } from '@datapunk/pki'
import { keyIdOf } from '@datapunk/protocol'
import { issuerOf, leafOf, memberOf, pathOf } from './leaf-steps.ts'
import { loggedRule, memberRules } from './member-rules.ts'
import type { Peer } from './peer.ts'
import type { Standing } from './standing.ts'
import type { MeshView } from './view.ts'

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
