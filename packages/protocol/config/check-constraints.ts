import { isIPv6 } from 'node:net'
import type { Config } from './config.ts'
import type { ResolveOptions } from './resolve-options.ts'

/**
 * Octets. The certificate of the issuing CA names every domain and address that it may sign for; every handshake carries it, and as
 * many as a trust statement names have to fit into one.
 */
const MOST = 8 * 1024

/** Octets of a subtree with an address and its mask, and of one with a name beside the name itself (RFC 5280 4.2.1.10). */
const subtree = { ipv4: 12, ipv6: 36, name: 4 } as const

/** Whether all that the issuing CA has to be allowed fits into its certificate. */
export function checkConstraints(
  { trustDomain, authority, services }: Config,
  { problem }: ResolveOptions,
): void {
  const addresses = new Set([...services.values()].flatMap(({ ipAddresses }) => ipAddresses))
  const domains = new Set([trustDomain, ...authority.extraDomains])
  let octets = 0
  for (const address of addresses) octets += isIPv6(address) ? subtree.ipv6 : subtree.ipv4
  // Once for names, once for hosts of URIs.
  for (const domain of domains) octets += 2 * (subtree.name + domain.length)
  if (octets <= MOST) return
  problem(
    ['services'],
    `found ${addresses.size} addresses and ${domains.size} domains: ${octets} octets in the certificate of the issuing CA, which every handshake carries; allowed: ${MOST}, as of 650 IPv4 or 220 IPv6 addresses. Let callers use names where there are more`,
  )
}
