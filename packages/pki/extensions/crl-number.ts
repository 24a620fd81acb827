import type { DerReader } from '../der/reader.ts'
import type { DerWriter } from '../der/writer.ts'
import { hexText } from '../octets.ts'
import { PkiError } from '../pki-error.ts'

/** The first number that needs more than 20 octets, of which the first bit is the sign's. */
const limit = 1n << 159n

/** `CRLNumber ::= INTEGER (0..MAX)`, at most 20 octets: RFC 5280 §5.2.3. `BaseCRLNumber` (§5.2.4) is the same. */
export function readCrlNumber(der: DerReader): bigint {
  const content = der.integer()
  if ((content[0] as number) >= 0x80) der.fail('a CRL number is negative')
  if (content.length > 20) der.fail('a CRL number is longer than 20 octets')
  return BigInt(`0x${hexText(content)}`)
}

/** @throws PkiError `PROFILE_INVALID` unless the number is whole, not negative, and fits 20 octets */
export function writeCrlNumber(der: DerWriter, number: bigint | number): void {
  if (typeof number === 'number' && !Number.isSafeInteger(number)) throw invalid(number)
  const value = BigInt(number)
  if (value < 0n || value >= limit) throw invalid(number)
  const hex = value.toString(16)
  der.unsignedInteger(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'))
}

function invalid(number: bigint | number): PkiError {
  return new PkiError(
    'PROFILE_INVALID',
    `the CRL number ${number} was given; it must be whole, not negative, and fit 20 octets (RFC 5280 §5.2.3)`,
    { field: 'number', found: String(number) },
  )
}
