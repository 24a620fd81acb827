import { isDnsName } from '../dns-name.ts'
import type { GeneralName } from '../extensions/general-name.ts'
import type { Name, NameAttribute, RelativeName } from '../name.ts'
import { equalOctets } from '../octets.ts'
import { uriHost } from '../uri-host.ts'

/** What is wrong with a constraint itself (RFC 5280 §4.2.1.10); undefined where it can be applied. */
export function subtreeFault(base: GeneralName): string | undefined {
  if (base.form === 'dns' && base.value !== '' && !isDnsName(base.value)) {
    return `"${base.value}" is no domain, and a leading dot is not allowed`
  }
  if (base.form === 'uri' && !isHost(withoutDot(base.value)))
    return `"${base.value}" is no host and no domain`
  if (base.form === 'email' && !isDnsName(withoutDot(base.value.slice(base.value.indexOf('@') + 1)))) {
    return `"${base.value}" is no mailbox, no host and no domain`
  }
  if (base.form === 'ip' && !isRange(base.value)) return 'an address range is not address and contiguous mask'
  return undefined
}

/**
 * Whether `name` lies in the name space of `base`. Both are of the same form; undefined where nobody can say.
 */
export function isWithinSubtree(name: GeneralName, base: GeneralName): boolean | undefined {
  if (name.form === 'dns' && base.form === 'dns') return isBelowDomain(name.value, base.value)
  if (name.form === 'ip' && base.form === 'ip') return isInRange(name.value, base.value)
  if (name.form === 'uri' && base.form === 'uri') return isHostWithin(uriHost(name.value), base.value)
  if (name.form === 'email' && base.form === 'email') return isMailboxWithin(name.value, base.value)
  if (name.form === 'directory' && base.form === 'directory') return isBelowName(name.value, base.value)
  return undefined
}

/**
 * Whether a wildcard name, of which one match lies in the name space, reaches into it: enough to be excluded.
 */
export function wildcardReachesInto(name: GeneralName, base: GeneralName): boolean {
  if (name.form !== 'dns' || base.form !== 'dns' || !name.value.startsWith('*.')) return false
  const dot = base.value.indexOf('.')
  return dot > 0 && base.value.slice(dot).toLowerCase() === name.value.slice(1).toLowerCase()
}

/** "Any DNS name that can be constructed by simply adding zero or more labels to the left-hand side". */
function isBelowDomain(name: string, domain: string): boolean {
  if (domain === '') return true
  const low = name.toLowerCase()
  const lowDomain = domain.toLowerCase()
  return low === lowDomain || low.endsWith(`.${lowDomain}`)
}

/**
 * Labels of letters, digits, dash and, because trust domains may have it, underscore; no dot at the end, no
 * escapes.
 */
function isHost(host: string): boolean {
  return /^[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*$/.test(host)
}

function withoutDot(domain: string): string {
  return domain.startsWith('.') ? domain.slice(1) : domain
}

/**
 * Exactly the host; with a leading dot, any host with one or more labels before it, and not the domain
 * itself.
 */
function isHostWithin(host: string | undefined, constraint: string): boolean | undefined {
  // A URI without a host name MUST be rejected where URIs are constrained.
  if (host === undefined || !isHost(host) || /^[\d.]+$/.test(host)) return undefined
  const low = constraint.toLowerCase()
  return low.startsWith('.') ? host.endsWith(low) && host.length > low.length : host === low
}

/** Exactly the mailbox, any mailbox on a host, or, with a leading dot, on any host of a domain. */
function isMailboxWithin(mailbox: string, constraint: string): boolean | undefined {
  const [local = '', host = '', ...more] = mailbox.split('@')
  if (local === '' || !isDnsName(host) || more.length > 0) return undefined
  const low = constraint.toLowerCase()
  if (low.startsWith('.')) return host.toLowerCase().endsWith(low)
  const [wantedHost = '', wantedLocal] = constraint.split('@').toReversed()
  return (
    host.toLowerCase() === wantedHost.toLowerCase() && (wantedLocal === undefined || local === wantedLocal)
  )
}

/** 8 or 32 octets: address, then a mask of ones followed by zeros (RFC 4632 §3.1). */
function isRange(range: Uint8Array): boolean {
  if (range.length !== 8 && range.length !== 32) return false
  let at = range.length / 2
  while (range[at] === 0xff) at++
  // After the first octet that is not all ones, which is ones and then zeros, there are zeros only.
  if (at < range.length && !isPrefixMask(range[at++] as number)) return false
  while (range[at] === 0) at++
  return at === range.length
}

function isPrefixMask(octet: number): boolean {
  const zeros = ~octet & 0xff
  return (zeros & (zeros + 1)) === 0
}

function isInRange(address: Uint8Array, range: Uint8Array): boolean {
  const { length } = address
  if (range.length !== length * 2) return false
  return address.every((octet, i) => ((octet ^ (range[i] as number)) & (range[length + i] as number)) === 0)
}

/** The name begins with the relative names of the base (RFC 5280 §7.1). */
function isBelowName(name: Name, base: Name): boolean {
  return (
    base.relativeNames.length <= name.relativeNames.length &&
    base.relativeNames.every((relativeName, i) => sameRelativeName(relativeName, name.relativeNames[i] ?? []))
  )
}

function sameRelativeName(one: RelativeName, other: RelativeName): boolean {
  return (
    one.length === other.length &&
    one.every((attribute) => other.some((each) => sameAttribute(attribute, each)))
  )
}

/**
 * Text is compared without regard to case, string type and runs of spaces: a shorter way cannot dodge an
 * exclusion.
 */
function sameAttribute(one: NameAttribute, other: NameAttribute): boolean {
  if (one.type !== other.type) return false
  if (one.value === undefined || other.value === undefined) return equalOctets(one.encoded, other.encoded)
  return prepared(one.value) === prepared(other.value)
}

/** RFC 4518 §2 as far as names in certificates use it: what can't be seen is nothing (§2.2), and spaces are one. */
function prepared(value: string): string {
  return value
    .replace(/[^\P{Cc}\t\n\v\f\r\x85]|[\p{Cf}\p{Default_Ignorable_Code_Point}\ufffc]/gu, '')
    .normalize('NFKC')
    .toLowerCase()
    .trim()
    .replace(/[\s\x85]+/g, ' ')
}
