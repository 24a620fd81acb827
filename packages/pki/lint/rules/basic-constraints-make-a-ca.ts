import { authorities, type LintRule } from '../lint-rule.ts'

export const basicConstraintsMakeACa: LintRule = {
  name: 'basic-constraints-make-a-ca',
  source: 'RFC 5280 §4.2.1.9',
  profiles: authorities,
  check: ({ certificate: { extensions } }) =>
    extensions.basicConstraints?.ca === true ? undefined : 'it is no CA: its basic constraints do not say so',
}
