import { endEntities, type LintRule } from '../lint-rule.ts'

export const nameConstraintsOnlyInACa: LintRule = {
  name: 'name-constraints-only-in-a-ca',
  source: 'RFC 5280 §4.2.1.10',
  profiles: endEntities,
  check: ({ certificate: { extensions } }) =>
    extensions.nameConstraints === undefined ? undefined : 'it is no CA, and has name constraints',
}
