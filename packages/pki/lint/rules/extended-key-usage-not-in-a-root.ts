import { isSelfIssued } from '../../certificate.ts'
import type { LintRule } from '../lint-rule.ts'

export const extendedKeyUsageNotInARoot: LintRule = {
  name: 'extended-key-usage-not-in-a-root',
  source: 'BR 7.1.2.1.2',
  profiles: ['root'],
  check: ({ certificate }) =>
    certificate.extensions.extendedKeyUsage !== undefined && isSelfIssued(certificate)
      ? 'it is a root with an extended key usage'
      : undefined,
}
