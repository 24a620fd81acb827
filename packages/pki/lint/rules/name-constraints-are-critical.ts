import { authorities, type LintRule } from '../lint-rule.ts'

export const nameConstraintsAreCritical: LintRule = {
  name: 'name-constraints-are-critical',
  source: 'RFC 5280 §4.2.1.10',
  profiles: authorities,
  check: ({ certificate: { extensions } }) =>
    extensions.nameConstraints?.critical === false ? 'its name constraints are not critical' : undefined,
}
