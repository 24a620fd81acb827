import type { LintRule } from '../lint-rule.ts'

export const nameConstraintsOnlyInACa: LintRule = {
  name: 'name-constraints-only-in-a-ca',
  source: 'RFC 5280 §4.2.1.10',
  profiles: ['leaf'],
  check: ({ certificate: { extensions } }) =>
    extensions.nameConstraints === undefined ? undefined : 'it is a leaf with name constraints',
}
