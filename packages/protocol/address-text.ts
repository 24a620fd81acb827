import { ipOctets, ipText } from '@datapunk/pki'

/** A host as it is written before a port, or in a URL: IPv6 in brackets. */
export function hostText(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** A host as members are found by it: lower case, and an address as certificates are read, whose spelling is one (RFC 5952). */
export function canonicalHost(host: string): string {
  const octets = ipOctets(host)
  return (octets && ipText(octets)) ?? host.toLowerCase()
}

/** `10.0.0.5:8445`, `lake.service.datapunk:8445`, `[fd00::5]:8445`. */
export function addressText(host: string, port: number): string {
  return `${hostText(host)}:${port}`
}

/** The other end of a socket, while it is open. */
export function remoteText({
  remoteAddress,
  remotePort,
}: {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
}): string | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined
  return addressText(plainAddress(remoteAddress), remotePort)
}

/** IPv4 as it is written by itself, also where a socket for both kinds tells it: `::ffff:10.0.0.5` is `10.0.0.5`. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '')
}
