import type { DerReader } from '../der/reader.ts'
import { tag } from '../der/tag.ts'
import { year1950, year10000 } from '../der/time.ts'
import { encodeDer } from '../der/writer.ts'
import {
  type Extension,
  malformed,
  readExtension,
  readValue,
  writeExtension,
} from '../extensions/extensions.ts'
import { type RevocationReason, readReasonCode, writeReasonCode } from '../extensions/reason-code.ts'
import { oids } from '../oids.ts'
import { PkiError } from '../pki-error.ts'
import { checkSerial } from '../profiles/tbs-certificate.ts'

/** One certificate on a list. */
export interface RevokedEntry {
  /** Content octets of the serial number, as `Certificate.serialBytes` has them. */
  readonly serial: Uint8Array
  /** When it was revoked, in milliseconds since the epoch, whole seconds. */
  readonly at: number
  readonly reason: RevocationReason
}

export type RevocationRequest = Pick<RevokedEntry, 'serial' | 'at'> & {
  /** `unspecified` unless told, which is written by leaving it out (RFC 5280 §5.3.1). */
  readonly reason?: RevocationReason | undefined
}

/**
 * One element of `revokedCertificates`, to be kept and put into list after list as it is. Fractions of a second are
 * dropped.
 *
 * @throws PkiError `PROFILE_INVALID` for a serial of zero or over 20 octets, and for a time outside the years 1950 to 9999
 */
export function encodeRevokedEntry({ serial, at, reason = 'unspecified' }: RevocationRequest): Uint8Array {
  checkSerial(serial)
  if (!(at >= year1950 && at < year10000)) {
    throw new PkiError('PROFILE_INVALID', `${at} ms is not between the years 1950 and 9999`, { field: 'at' })
  }
  return encodeDer((der) =>
    der.sequence(() => {
      der.unsignedInteger(serial)
      der.time(at)
      if (reason === 'unspecified') return
      der.sequence(() => writeExtension(der, oids.reasonCode, false, () => writeReasonCode(der, reason)))
    }),
  )
}

/**
 * ```
 * SEQUENCE { userCertificate INTEGER, revocationDate Time, crlEntryExtensions Extensions OPTIONAL }
 * ```
 * RFC 5280 §5.1.2.6, §5.3. Lists of other issuers' certificates are not processed, so `certificateIssuer` is one of the
 * critical extensions that are refused.
 *
 * @throws PkiError `DER_INVALID`, `EXTENSION_MALFORMED`, `UNKNOWN_CRITICAL_EXTENSION`
 */
export function readRevokedEntry(der: DerReader): RevokedEntry {
  return der.sequence((entry) => {
    const serial = entry.integer()
    if (serial.length > 20 || (serial[0] as number) >= 0x80 || (serial.length === 1 && serial[0] === 0)) {
      entry.fail('a revoked serial number is not positive, or longer than 20 octets')
    }
    const at = entry.time()
    return { serial, at, reason: entry.next(tag.sequence) ? readReason(entry) : 'unspecified' }
  })
}

function readReason(entry: DerReader): RevocationReason {
  const extensions = entry.sequenceOf(readExtension)
  if (extensions.length === 0) entry.fail('a list of extensions is empty')
  let reason: RevocationReason | undefined
  const seen = new Set<string>()
  for (const { oid, critical, value } of extensions) {
    if (seen.has(oid)) throw malformed(oid, 'it appears twice (RFC 5280 §4.2)')
    seen.add(oid)
    if (oid === oids.reasonCode) reason = readValue('reasonCode', value, readReasonCode)
    else if (critical) throw unknownCritical(oid, 'an entry of the revocation list')
  }
  return reason ?? 'unspecified'
}

export function unknownCritical(oid: Extension['oid'], where: string): PkiError {
  return new PkiError(
    'UNKNOWN_CRITICAL_EXTENSION',
    `${where} has the critical extension ${oid}, which is not processed`,
    { extension: oid },
  )
}
