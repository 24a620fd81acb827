/** 4 or 16 octets as text: dotted decimal, or RFC 5952 for IPv6. Undefined for any other number of octets. */
export function ipText(octets: Uint8Array): string | undefined {
  if (octets.length === 4) return octets.join('.')
  return octets.length === 16 ? ipv6Text(octets) : undefined
}

/** Eight groups, the last two as dotted decimal: whatever is longer is no address, and not looked through. */
const MAX_TEXT = 45

/**
 * The 4 or 16 octets of an address in text; undefined when it is none (zones such as `%eth0` are none here).
 */
export function ipOctets(text: string): Uint8Array | undefined {
  if (text.length > MAX_TEXT) return undefined
  return text.includes(':') ? ipv6Octets(text) : ipv4Octets(text)
}

/** Dotted decimal without leading zeros (RFC 3986 §3.2.2 `IPv4address`). */
function ipv4Octets(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  const valid =
    parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
  return valid ? Uint8Array.from(parts, Number) : undefined
}

/** RFC 5952 §4: lowercase, no leading zeros, `::` for the first longest run of two or more zero groups. */
function ipv6Text(octets: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((octets[2 * i] as number) << 8) | (octets[2 * i + 1] as number)).toString(16),
  )
  let best = { start: 0, length: 1 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (groups[start + length] === '0') length++
    if (length > best.length) best = { start, length }
  }
  if (best.length === 1) return groups.join(':')
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`
}

/**
 * RFC 4291 §2.2: eight groups, or fewer with one `::` in their midst, the last two perhaps as dotted decimal.
 */
function ipv6Octets(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':').flatMap(groupOctets)))
  if (head === undefined || halves.length > 2 || /\..*:/.test(text)) return undefined
  const octets =
    tail === undefined ? head : [...head, ...Array<number>(zerosFor(head, tail)).fill(0), ...tail]
  return octets.length === 16 && octets.every((octet) => octet >= 0) ? Uint8Array.from(octets) : undefined
}

/** `::` stands for one group of zeros at least. */
function zerosFor(head: readonly number[], tail: readonly number[]): number {
  return Math.max(2, 16 - head.length - tail.length)
}

/** The two octets of a group, the four of dotted decimal; -1 for anything else. */
function groupOctets(group: string): number[] {
  if (group.includes('.')) return [...(ipv4Octets(group) ?? [-1])]
  if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return [-1]
  const value = Number.parseInt(group, 16)
  return [value >> 8, value & 0xff]
}
