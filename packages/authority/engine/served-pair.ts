/** A certificate of the authority itself, and its key. */
export interface ServedPair {
  /** The slots of its issuing CA, and of its log. */
  readonly under: readonly string[]
  /** Lowercase hex. */
  readonly serial: string
  /** When it is renewed, and when it ends, milliseconds since the epoch. */
  readonly renewalDue: number
  readonly notAfter: number
  /** PEM: leaf, then issuing CA. */
  readonly certificate: string
  /** PEM, PKCS#8. */
  readonly key: string
}
