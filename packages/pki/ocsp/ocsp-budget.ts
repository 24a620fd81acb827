/** What a reader of OCSP messages spends on octets that anybody may have written. */
export const ocspBudget = {
  /**
   * Bytes of a request. Ours: 255 bytes go into a URL (RFC 9919 §6); the rest is room for a signature and its certificates,
   * which are read and not used.
   */
  requestBytes: 0x4000,
  /** Certificates asked about in one request. Ours: RFC 9919 §3.1.1 asks for one; each costs a responder a look-up. */
  requests: 100,
  /** Answers in one response. The same number, because nobody needs more answers than questions. */
  answers: 100,
  /** Certificates in one response. Ours: one is needed; each is looked at whether it is the responder's. */
  certificates: 10,
} as const
