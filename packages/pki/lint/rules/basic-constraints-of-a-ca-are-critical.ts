import { authorities, type LintRule } from '../lint-rule.ts'

export const basicConstraintsOfACaAreCritical: LintRule = {
  name: 'basic-constraints-of-a-ca-are-critical',
  source: 'RFC 5280 §4.2.1.9',
  profiles: authorities,
  check: ({ certificate: { extensions } }) =>
    extensions.basicConstraints?.critical === false ? 'its basic constraints are not critical' : undefined,
}
