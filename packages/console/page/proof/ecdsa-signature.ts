import { OctetReader } from './octet-reader.ts'
import { joined, type Octets } from './octets.ts'

const SEQUENCE = 0x30
const INTEGER = 0x02
/** Of each half of a signature by a key on P-256. */
const HALF_OCTETS = 32

/**
 * Both halves of an ECDSA signature side by side, as WebCrypto wants them.
 *
 * @param der `ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 2.2.3), of a key on P-256
 * @returns 64 octets
 * @throws PageError `PROOF_MALFORMED`
 */
export function rawSignature(der: Uint8Array): Octets {
  const reader = new OctetReader(der, 'the signature')
  const value = reader.element(SEQUENCE)
  reader.finish()
  const halves = [half(value), half(value)]
  value.finish()
  return joined(...halves)
}

function half(value: OctetReader): Octets {
  const integer = value.element(INTEGER)
  const octets = integer.octets(integer.rest)
  const [first, second] = octets
  if (first === undefined || first >= 0x80) return integer.fail('it has a number that is not positive')
  // X.690 8.3.2: a first octet of 0 stands only before one of 128 and more.
  if (first === 0 && octets.length > 1 && second! < 0x80) integer.fail('it has a number that is not DER')
  const number = first === 0 ? octets.subarray(1) : octets
  if (number.length > HALF_OCTETS) integer.fail('it has a number beyond P-256')
  return joined(new Uint8Array(HALF_OCTETS - number.length), number)
}
