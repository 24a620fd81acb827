import type { Certificate } from '../certificate.ts'
import { dnsNameMatches, isDnsName } from '../dns-name.ts'
import { ipOctets, ipText } from '../ip-address.ts'
import { PkiError } from '../pki-error.ts'

/** Who is wanted (RFC 9525 §6.1.1): built from what the caller knows, never from the certificate. */
export type PeerName = { readonly dns: string } | { readonly ip: string } | { readonly uri: string }

/**
 * Whether a leaf bears a name, in its subject alternative name and nowhere else.
 *
 * @throws PkiError `NAME_MISMATCH` with `data.wanted` and `data.found`
 */
export function checkPeerName(leaf: Certificate, wanted: PeerName): void {
  const { dnsNames = [], ipAddresses = [], uris = [] } = leaf.extensions.subjectAltName ?? {}
  if (bears({ dnsNames, ipAddresses, uris }, wanted)) return
  const found = [...dnsNames, ...ipAddresses, ...uris]
  const [[form, name] = []] = Object.entries(wanted)
  throw new PkiError(
    'NAME_MISMATCH',
    `the certificate is for ${found.join(', ') || 'nobody'}, and ${form} "${name}" was wanted (common names don't count)`,
    { wanted, found, subject: leaf.subject.toString(), serial: leaf.serial },
  )
}

interface BornNames {
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
  readonly uris: readonly string[]
}

function bears({ dnsNames, ipAddresses, uris }: BornNames, wanted: PeerName): boolean {
  // RFC 9525 §6.3: DNS-ID
  if ('dns' in wanted)
    return isDnsName(wanted.dns) && dnsNames.some((name) => dnsNameMatches(name, wanted.dns))
  // SPIFFE IDs are compared octet for octet (SPIFFE-ID §2), and so is every other URI here.
  if ('uri' in wanted) return uris.includes(wanted.uri)
  // §6.4: IP-ID, by octets
  const octets = ipOctets(wanted.ip)
  return octets !== undefined && ipAddresses.includes(ipText(octets) as string)
}
