/**
 * What a reader spends on bytes that anybody may have written. Each number names where it comes from.
 */
export const derBudget = {
  /**
   * Bytes of one object. rustls refuses longer certificate messages (`CERTIFICATE_MAX_SIZE_LIMIT`, 0x1_0000).
   */
  bytes: 0x1_0000,
  /**
   * Bytes of one certificate revocation list. Ours: over two million entries, twice the million that a list is made for,
   * each of 49 bytes with a serial of 16 octets and a reason.
   */
  crlBytes: 0x800_0000,
  /** Constructed elements inside each other. OpenSSL's `ASN1_MAX_CONSTRUCTED_NEST`. */
  depth: 30,
  /**
   * Elements of one object. Ours: a quarter of `bytes`, because an element of real certificates takes over 16
   * bytes.
   */
  elements: 0x4000,
  /**
   * Octets of one OBJECT IDENTIFIER. Ours: RFC 2578 §3.5 allows 128 sub-identifiers; one octet each at the
   * least.
   */
  oidBytes: 128,
} as const
