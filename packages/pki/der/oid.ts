import { oids } from '../oids.ts'
import { derBudget } from './budget.ts'

/**
 * OBJECT IDENTIFIER content octets (X.690 §8.19), from `start` to `end`, to dotted form; undefined when they are not
 * valid or too many.
 */
export function decodeOid(octets: Uint8Array, start = 0, end = octets.length): string | undefined {
  return knownOid(octets, start, end) ?? spellOut(octets.subarray(start, end))
}

function spellOut(content: Uint8Array): string | undefined {
  if (content.length === 0 || content.length > derBudget.oidBytes) return undefined
  let dotted = ''
  let at = 0
  while (at < content.length) {
    // §8.19.2: the first octet of a sub-identifier is not 80.
    if (content[at] === 0x80) return undefined
    const start = at
    while ((content[at] as number) >= 0x80) if (++at === content.length) return undefined
    at++
    dotted =
      start === 0
        ? firstArcs(subidentifier(content, 0, at))
        : `${dotted}.${subidentifier(content, start, at)}`
  }
  return dotted
}

/** Dotted form to the whole element, tag and length included. Meant for constants. */
export function encodeOid(dotted: string): Uint8Array {
  const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt)
  const content = [first * 40n + second, ...rest].flatMap(base128)
  return Uint8Array.of(0x06, content.length, ...content)
}

function subidentifier(content: Uint8Array, start: number, end: number): number | bigint {
  // Seven octets carry 49 bits, which a number holds exactly.
  if (end - start > 7) {
    let large = 0n
    for (let i = start; i < end; i++) large = (large << 7n) | BigInt((content[i] as number) & 0x7f)
    return large
  }
  let value = 0
  for (let i = start; i < end; i++) value = value * 128 + ((content[i] as number) & 0x7f)
  return value
}

/** §8.19.4: the first sub-identifier holds two arcs, 40 × first + second. */
function firstArcs(value: number | bigint): string {
  if (value < 40) return `0.${value}`
  if (value < 80) return `1.${Number(value) - 40}`
  return typeof value === 'number' ? `2.${value - 80}` : `2.${value - 80n}`
}

function base128(arc: bigint): number[] {
  const octets = [Number(arc & 0x7fn)]
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) octets.unshift(Number(rest & 0x7fn) | 0x80)
  return octets
}

/** The object identifiers known by name, as a tree of their octets: spelling each out costs ten times as much. */
interface Branch {
  oid?: string
  /** By octet. */
  readonly next: (Branch | undefined)[]
}

const known: Branch = { next: [] }

for (const oid of Object.values(oids)) {
  let branch = known
  for (const octet of encodeOid(oid).subarray(2)) branch = branch.next[octet] ??= { next: [] }
  branch.oid = oid
}

function knownOid(octets: Uint8Array, start: number, end: number): string | undefined {
  let branch: Branch | undefined = known
  for (let at = start; at < end && branch !== undefined; at++) branch = branch.next[octets[at] as number]
  return branch?.oid
}
