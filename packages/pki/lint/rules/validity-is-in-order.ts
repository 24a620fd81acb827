import { everyProfile, type LintRule } from '../lint-rule.ts'

export const validityIsInOrder: LintRule = {
  name: 'validity-is-in-order',
  source: 'RFC 5280 §4.1.2.5',
  profiles: everyProfile,
  check: ({ certificate: { notBefore, notAfter } }) =>
    notBefore <= notAfter ? undefined : 'its validity ends before it begins',
}
