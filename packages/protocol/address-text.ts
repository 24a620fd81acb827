/** A host as it is written before a port, or in a URL: IPv6 in brackets. */
export function hostText(host: string): string {
  return host.includes(':') ? `[${host}]` : host
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
