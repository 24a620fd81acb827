import { checkNameConstraints } from '../../constraints/name-constraints.ts'
import { PathBudget } from '../../path-budget.ts'
import { PkiError } from '../../pki-error.ts'
import type { LintRule } from '../lint-rule.ts'

export const namesAreWithinTheIssuersConstraints: LintRule = {
  name: 'names-are-within-the-issuers-constraints',
  source: 'RFC 5280 §6.1.3 (b), (c)',
  profiles: ['issuing-ca', 'leaf', 'operator', 'ocsp-signer'],
  check({ certificate, issuer }) {
    try {
      checkNameConstraints(issuer, [certificate], new PathBudget())
      return undefined
    } catch (error) {
      if (error instanceof PkiError) return error.message
      throw error
    }
  },
}
