import { isIPv4, isIPv6 } from 'node:net'

/** 4 or 16 octets as text: dotted decimal, or RFC 5952 for IPv6. Undefined for any other number of octets. */
export function ipText(octets: Uint8Array): string | undefined {
  if (octets.length === 4) return octets.join('.')
  return octets.length === 16 ? ipv6Text(octets) : undefined
}

/** The 4 or 16 octets of an address in text; undefined when it is none (zones such as `%eth0` are none here). */
export function ipOctets(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number)
  return isIPv6(text) && !text.includes('%') ? ipv6Octets(text) : undefined
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

function ipv6Octets(text: string): Uint8Array {
  const [before = '', after] = text.split('::').map((half) => half.replace(/[^:]*\.[^:]*$/, dottedAsGroups))
  const head = before === '' ? [] : before.split(':')
  const tail = after === undefined || after === '' ? [] : after.split(':')
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail]
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  )
}

/** `192.0.2.1` at the end of an IPv6 address, as two groups (RFC 4291 §2.2). */
function dottedAsGroups(dotted: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number)
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
}
