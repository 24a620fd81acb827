import type { DerReader } from '../der/reader.ts'
import { tag } from '../der/tag.ts'
import type { DerWriter } from '../der/writer.ts'

/** RFC 5280 §4.2.1.3, in the order of their bits. */
const usages = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const

export type KeyUsageName = (typeof usages)[number]

export interface KeyUsage {
  readonly usages: ReadonlySet<KeyUsageName>
}

/** `KeyUsage ::= BIT STRING`, named bits: at least one is set, and no zeros trail (X.690 §11.2.2). */
export function readKeyUsage(der: DerReader): KeyUsage {
  const { unusedBits, bytes } = der.bitString()
  const bits = bytes.length * 8 - unusedBits
  const set = usages.filter((_, bit) => bit < bits && isSet(bytes, bit))
  if (set.length === 0) der.fail('a key usage allows nothing')
  if (bits > usages.length || !isSet(bytes, bits - 1)) der.fail('a key usage has bits that mean nothing')
  return { usages: new Set(set) }
}

export function writeKeyUsage(der: DerWriter, names: readonly KeyUsageName[]): void {
  const bits = names.map((name) => usages.indexOf(name))
  const last = Math.max(...bits)
  const octets = new Uint8Array(2 + (last >> 3))
  octets[0] = 7 - (last & 7)
  for (const bit of bits) {
    const octet = 1 + (bit >> 3)
    octets[octet] = (octets[octet] as number) | (0x80 >> (bit & 7))
  }
  der.element(tag.bitString, octets)
}

function isSet(bytes: Uint8Array, bit: number): boolean {
  return ((bytes[bit >> 3] as number) & (0x80 >> (bit & 7))) !== 0
}
