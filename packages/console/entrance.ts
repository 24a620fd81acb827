/** What came out of a TLS handshake. */
export interface Shown {
  /** DER; undefined where no certificate was shown. */
  readonly leaf: Uint8Array | undefined
  /** OpenSSL's reason to refuse, as in `CERT_HAS_EXPIRED`; undefined where it would let the visitor pass. */
  readonly openssl: string | undefined
  /** `10.0.0.7:50123`; undefined where it is gone already. */
  readonly remote: string | undefined
}

/** Who is at the other end of a connection from elsewhere. */
export interface Visitor {
  readonly operator: string
  /** May look, and do nothing. */
  readonly readOnly: boolean
}

/** What the console shows of itself. All PEM. */
export interface ShownPair {
  /** Leaf, then what is above it. */
  readonly cert: string
  readonly key: string
  /** Whom OpenSSL is to trust, and to name to browsers that choose a certificate. */
  readonly ca: string
}

/** Who the console is to whoever comes from elsewhere, and whom it lets in. Asked again and again, and never wrong for long. */
export interface ConsoleEntrance {
  /** DNS names under which it is reached, the first its own. */
  readonly names: readonly string[]
  pair(): ShownPair
  /** Synchronous: nothing is read from a visitor before it. @returns undefined for whoever may not come in */
  visitor(shown: Shown): Visitor | undefined
}
