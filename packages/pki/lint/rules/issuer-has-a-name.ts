import { everyProfile, type LintRule } from '../lint-rule.ts'

export const issuerHasAName: LintRule = {
  name: 'issuer-has-a-name',
  source: 'RFC 5280 §4.1.2.4',
  profiles: everyProfile,
  check: ({ certificate: { issuer } }) => (issuer.isEmpty ? 'its issuer is an empty name' : undefined),
}
