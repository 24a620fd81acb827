import { year1950, year10000 } from '../der/time.ts'
import { type DerWriter, encodeDer } from '../der/writer.ts'
import { hexText } from '../octets.ts'
import { PkiError } from '../pki-error.ts'

/** Everything of a `TBSCertificate` but its version, which is always 3. */
export interface TbsFields {
  /** Big-endian, not zero, at most 20 octets with the sign (RFC 5280 §4.1.2.2). */
  readonly serial: Uint8Array
  /** DER `AlgorithmIdentifier` of the signature to come. */
  readonly signatureIdentifier: Uint8Array
  /** DER `Name`. */
  readonly issuer: Uint8Array
  /** Milliseconds since the epoch; fractions of a second are dropped. */
  readonly notBefore: number
  readonly notAfter: number
  /** DER `Name`. */
  readonly subject: Uint8Array
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** Writes the extensions, one after the other. */
  readonly writeExtensions: (der: DerWriter) => void
}

/**
 * The DER of a `TBSCertificate` (RFC 5280 §4.1).
 *
 * @throws PkiError `PROFILE_INVALID` for a serial of zero or over 20 octets, and for times that no
 *   certificate can say
 */
export function encodeTbsCertificate(fields: TbsFields): Uint8Array {
  checkTimes(fields)
  const { serial, signatureIdentifier, issuer, notBefore, notAfter, subject, spki, writeExtensions } = fields
  checkSerial(serial)
  return encodeDer((der) =>
    der.sequence(() => {
      der.explicit(0, () => der.smallInteger(2))
      der.unsignedInteger(serial)
      der.raw(signatureIdentifier)
      der.raw(issuer)
      der.sequence(() => {
        der.time(notBefore)
        der.time(notAfter)
      })
      der.raw(subject)
      der.raw(spki)
      der.explicit(3, () => der.sequence(() => writeExtensions(der)))
    }),
  )
}

/** The serial as a certificate will show it in `serial`: hexadecimal content octets of the INTEGER. */
export function serialText(serial: Uint8Array): string {
  return hexText(encodeDer((der) => der.unsignedInteger(serial)).subarray(2))
}

/** @throws PkiError `PROFILE_INVALID` for a serial of zero, or over 20 octets with the sign */
export function checkSerial(serial: Uint8Array): void {
  let first = 0
  while (serial[first] === 0) first++
  const signOctet = (serial[first] ?? 0) >= 0x80 ? 1 : 0
  const octets = serial.length - first + signOctet
  if (octets >= 1 && octets <= 20) return
  throw new PkiError(
    'PROFILE_INVALID',
    `a serial number of ${octets} octets was given; it must not be zero, and fit 20 octets (RFC 5280 §4.1.2.2)`,
    { field: 'serial', found: octets, allowed: 20 },
  )
}

function checkTimes({ notBefore, notAfter }: TbsFields): void {
  if (notBefore <= notAfter && notBefore >= year1950 && notAfter < year10000) return
  throw new PkiError(
    'PROFILE_INVALID',
    'the validity must begin before it ends, between the years 1950 and 9999 (RFC 5280 §4.1.2.5)',
    { field: 'validity', notBefore, notAfter },
  )
}
