import { PkiError } from './pki-error.ts'

/**
 * What one verification may spend, whatever certificates it is given. A search for paths without a budget is
 * a denial of service (CVE-2018-16875, RUSTSEC-2023-0052).
 */
export const pathBudget = {
  /** Signatures checked. The number of Go's crypto/x509 and of webpki; a path of a mesh needs two. */
  signatures: 100,
  /** Candidates for an issuer looked at. The number of Mozilla's pkix and of webpki. */
  candidates: 200_000,
  /** Names held against name constraints. The number of Go's crypto/x509 and of webpki. */
  comparisons: 250_000,
  /** Intermediates on a path that are not self-issued. webpki's `MAX_SUB_CA_COUNT`. */
  depth: 6,
} as const

type Spent = 'signatures' | 'candidates' | 'comparisons'

/**
 * Counts down; the thing that is spent past its end throws `PATH_BUDGET_EXCEEDED`, which ends the whole
 * search.
 */
export class PathBudget {
  readonly #left: Record<Spent, number> = {
    signatures: pathBudget.signatures,
    candidates: pathBudget.candidates,
    comparisons: pathBudget.comparisons,
  }

  spend(what: Spent): void {
    if (this.#left[what]-- > 0) return
    throw new PkiError(
      'PATH_BUDGET_EXCEEDED',
      `verifying took more than ${pathBudget[what]} ${what}; these certificates are made to cost time`,
      { budget: what, allowed: pathBudget[what] },
    )
  }
}
