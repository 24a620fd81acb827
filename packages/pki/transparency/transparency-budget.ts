import { derBudget } from '../der/budget.ts'

/** What a reader of transparency's structures spends on octets that anybody may have written. */
export const transparencyBudget = {
  /** SCTs in one list. Ours: public certificates carry two to five, and each may cost a signature to verify. */
  scts: 16,
  /** Octets of one signature: of an RSA key of 4096 bits, the largest key accepted here. */
  signatureBytes: 512,
  /** Entries of a data tile: C2SP static-ct-api, "Log entries". */
  tileLeaves: 256,
  /** Bytes of a data tile: as many entries, each of a certificate and a precertificate as long as they may be. */
  tileBytes: 256 * 2 * derBudget.bytes,
} as const
