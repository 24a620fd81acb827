import { derBudget } from '../der/budget.ts'
import { pathBudget } from '../path-budget.ts'

/** What a reader of transparency's structures spends on octets that anybody may have written. */
export const transparencyBudget = {
  /** SCTs in one list. Ours: public certificates carry two to five, and each may cost a signature to verify. */
  scts: 16,
  /** Octets of one signature: of an RSA key of 4096 bits, the largest key accepted here. */
  signatureBytes: 512,
  /** Certificates of one submission: as many as a path that peers verify, with its leaf and its root. */
  chain: pathBudget.depth + 2,
  /** Bytes of all certificates of one submission: no more than peers read in a handshake. */
  chainBytes: derBudget.bytes,
  /** Entries of a data tile: C2SP static-ct-api, "Log entries". */
  tileLeaves: 256,
  /** Bytes of a data tile: as many entries, each of a certificate and a precertificate as long as they may be. */
  tileBytes: 256 * 2 * derBudget.bytes,
} as const
