/** Everything that can be wrong with bytes, keys, names, certificates, revocation lists and paths. The list is closed. */
export type PkiErrorCode =
  // bytes
  | 'DER_BUDGET_EXCEEDED'
  | 'DER_INVALID'
  | 'PEM_INVALID'
  // objects
  | 'CERTIFICATE_MALFORMED'
  | 'CRL_MALFORMED'
  | 'CSR_MALFORMED'
  | 'CSR_POSSESSION_UNPROVEN'
  | 'EXTENSION_MALFORMED'
  | 'NAME_INVALID'
  | 'SPIFFE_ID_INVALID'
  // keys and signatures
  | 'KEY_UNSUPPORTED'
  | 'KEY_WEAK'
  | 'SIGNATURE_ALGORITHM_UNSUPPORTED'
  | 'SIGNATURE_INVALID'
  // issuing
  | 'FINAL_DIFFERS'
  | 'LINT_FAILED'
  | 'PROFILE_INVALID'
  | 'SIGNER_MISMATCH'
  | 'TOKEN_REDEEMED'
  // OCSP
  | 'OCSP_CERTIFICATE_MISMATCH'
  | 'OCSP_HASH_UNSUPPORTED'
  | 'OCSP_MALFORMED'
  | 'OCSP_NONCE_MISMATCH'
  | 'OCSP_NOT_YET_VALID'
  | 'OCSP_RESPONDER_UNAUTHORIZED'
  | 'OCSP_STALE'
  | 'OCSP_UNSUCCESSFUL'
  // transparency
  | 'SUBMISSION_NOT_A_CHAIN'
  | 'SUBMISSION_POISONED'
  | 'SUBMISSION_POISON_MISSING'
  | 'SUBMISSION_ROOT_UNKNOWN'
  | 'SUBMISSION_SIGNER_UNSUPPORTED'
  | 'SUBMISSION_TOO_LARGE'
  | 'SUBMISSION_TOO_LONG'
  | 'TRANSPARENCY_MALFORMED'
  // revocation lists
  | 'CRL_BASE_MISMATCH'
  | 'CRL_ISSUER_MISMATCH'
  | 'CRL_KIND_MISMATCH'
  | 'CRL_NOT_YET_VALID'
  | 'CRL_NUMBER_LOWER'
  | 'CRL_NUMBER_REUSED'
  | 'CRL_SCOPE_MISMATCH'
  | 'CRL_STALE'
  // paths
  | 'ANY_EXTENDED_KEY_USAGE'
  | 'AUTHORITY_KEY_MISMATCH'
  | 'CERTIFICATE_EXPIRED'
  | 'CERTIFICATE_NOT_YET_VALID'
  | 'CERTIFICATE_UNFIT'
  | 'EXTENDED_KEY_USAGE_MISSING'
  | 'EXTENDED_KEY_USAGE_NOT_ALLOWED'
  | 'ISSUER_NOT_CA'
  | 'ISSUER_UNKNOWN'
  | 'KEY_USAGE_NOT_ALLOWED'
  | 'LEAF_IS_CA'
  | 'NAME_CONSTRAINT_UNPROCESSABLE'
  | 'NAME_CONSTRAINT_VIOLATED'
  | 'NAME_MISMATCH'
  | 'NAME_MISSING'
  | 'PATH_BUDGET_EXCEEDED'
  | 'PATH_LENGTH_EXCEEDED'
  | 'PATH_TOO_DEEP'
  | 'UNKNOWN_CRITICAL_EXTENSION'

/** What a `PkiError` carries beside its message: numbers, texts and lists, never key material. */
export type PkiErrorData = Readonly<Record<string, unknown>>

/** The one error of this package. `code` is for programs, `message` for people, `data` for both. */
export class PkiError extends Error {
  override readonly name = 'PkiError'
  readonly code: PkiErrorCode
  readonly data: PkiErrorData

  constructor(code: PkiErrorCode, message: string, data: PkiErrorData = {}, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.data = data
  }
}
