/**
 * Whether this is a host name in the preferred syntax of RFC 1034 §3.5 and RFC 1123 §2.1, which RFC 5280
 * §4.2.1.6 asks for: letters, digits and dashes, 63 a label, 253 in all, no dot at the end, and not an IPv4
 * address in disguise.
 */
export function isDnsName(name: string): boolean {
  return name.length <= 253 && hostName.test(name)
}

/**
 * Whether this may stand in a subject alternative name: a host name, or one whose left-most label is `*` (RFC
 * 9525 §6.3). A wildcard over a whole top-level domain is none.
 */
export function isDnsNameOrWildcard(name: string): boolean {
  if (!name.startsWith('*.')) return isDnsName(name)
  const domain = name.slice(2)
  return domain.includes('.') && isDnsName(domain)
}

/**
 * RFC 9525 §6.3: labels are compared without regard to case; `*` as the whole left-most label stands for
 * exactly one.
 *
 * @param presented what the certificate says, already checked by `isDnsNameOrWildcard`
 * @param reference the name that was wanted, never a wildcard itself
 */
export function dnsNameMatches(presented: string, reference: string): boolean {
  const wanted = reference.toLowerCase()
  const found = presented.toLowerCase()
  if (!found.startsWith('*.')) return found === wanted
  const dot = wanted.indexOf('.')
  return dot > 0 && found.slice(1) === wanted.slice(dot)
}

const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?'
/** The last label is not all digits. */
const hostName = new RegExp(`^(?:${label}\\.)*(?!\\d+$)${label}$`)
