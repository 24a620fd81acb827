import type { PkiError, PkiErrorCode } from '../pki-error.ts'

/**
 * Codes of failed steps, from "this was not even the right CA" to "everything was right but this". Where
 * several paths were tried, the one that came furthest tells most.
 */
const ascending: readonly PkiErrorCode[] = [
  'ISSUER_UNKNOWN',
  'AUTHORITY_KEY_MISMATCH',
  'ISSUER_NOT_CA',
  'SIGNATURE_INVALID',
  'SIGNATURE_ALGORITHM_UNSUPPORTED',
  'KEY_UNSUPPORTED',
  'KEY_WEAK',
  'CERTIFICATE_UNFIT',
  'UNKNOWN_CRITICAL_EXTENSION',
  'KEY_USAGE_NOT_ALLOWED',
  'EXTENDED_KEY_USAGE_NOT_ALLOWED',
  'PATH_TOO_DEEP',
  'PATH_LENGTH_EXCEEDED',
  'NAME_CONSTRAINT_UNPROCESSABLE',
  'NAME_CONSTRAINT_VIOLATED',
  'CERTIFICATE_NOT_YET_VALID',
  'CERTIFICATE_EXPIRED',
]

/** The error that says more; the first of two that say the same. */
export function moreSpecific(one: PkiError, other: PkiError): PkiError {
  return ascending.indexOf(other.code) > ascending.indexOf(one.code) ? other : one
}
