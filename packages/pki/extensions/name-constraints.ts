import type { DerReader } from '../der/reader.ts'
import { primitive } from '../der/tag.ts'
import type { DerWriter } from '../der/writer.ts'
import { ipOctets } from '../ip-address.ts'
import { PkiError } from '../pki-error.ts'
import { type GeneralName, readGeneralName, writeDnsName, writeUri } from './general-name.ts'

/**
 * Name spaces below a CA. In an `ip` constraint the value is address and mask, 8 or 32 octets; in a `uri`
 * constraint it is a host, or a domain with a leading dot.
 */
export interface NameConstraints {
  readonly permitted: readonly GeneralName[]
  readonly excluded: readonly GeneralName[]
}

/**
 * ```
 * NameConstraints ::= SEQUENCE { permittedSubtrees [0] OPTIONAL, excludedSubtrees [1] OPTIONAL }
 * GeneralSubtrees ::= SEQUENCE SIZE (1..MAX) OF GeneralSubtree
 * GeneralSubtree  ::= SEQUENCE { base GeneralName, minimum [0] DEFAULT 0, maximum [1] OPTIONAL }
 * ```
 * RFC 5280 §4.2.1.10: not empty, minimum always 0 (so never written), maximum never there.
 */
export function readNameConstraints(der: DerReader): NameConstraints {
  const constraints = der.sequence((list) => ({
    permitted: list.optional(0, readSubtrees) ?? [],
    excluded: list.optional(1, readSubtrees) ?? [],
  }))
  if (constraints.permitted.length + constraints.excluded.length === 0) der.fail('name constraints are empty')
  return constraints
}

/** Name spaces to write. `ipRanges` are in CIDR form, `10.0.0.0/8`; a bare address is a range of one. */
export interface NameSpaces {
  readonly domains?: readonly string[]
  readonly uriHosts?: readonly string[]
  readonly ipRanges?: readonly string[]
}

export function writeNameConstraints(der: DerWriter, permitted: NameSpaces, excluded: NameSpaces): void {
  der.sequence(() => {
    for (const [number, spaces] of [permitted, excluded].entries()) {
      if (Object.values(spaces).some((list) => list.length > 0)) {
        der.explicit(number, () => writeSubtrees(der, spaces))
      }
    }
  })
}

function readSubtrees(der: DerReader): GeneralName[] {
  const subtrees = der.each((each) => each.sequence(readGeneralName))
  if (subtrees.length === 0) der.fail('a list of subtrees is empty')
  return subtrees
}

function writeSubtrees(der: DerWriter, { domains, uriHosts, ipRanges }: NameSpaces): void {
  for (const domain of domains ?? []) der.sequence(() => writeDnsName(der, domain))
  for (const host of uriHosts ?? []) der.sequence(() => writeUri(der, host))
  for (const range of ipRanges ?? []) der.sequence(() => der.element(primitive(7), rangeOctets(range)))
}

/** `10.0.0.0/8` as address and mask. */
function rangeOctets(range: string): Uint8Array {
  const [address = '', length] = range.split('/')
  const octets = ipOctets(address)
  const bits = length === undefined ? (octets?.length ?? 0) * 8 : Number(length)
  if (octets === undefined || !Number.isInteger(bits) || bits < 0 || bits > octets.length * 8) {
    throw new PkiError('NAME_INVALID', `"${range}" is not a range of IP addresses such as "10.0.0.0/8"`, {
      found: range,
    })
  }
  const mask = octets.map((_, i) => 0xff00 >> Math.min(8, Math.max(0, bits - 8 * i)))
  return Uint8Array.of(...octets.map((octet, i) => octet & (mask[i] as number)), ...mask)
}
