import { everyProfile, type LintRule } from '../lint-rule.ts'

export const keyUsageIsCritical: LintRule = {
  name: 'key-usage-is-critical',
  source: 'RFC 5280 §4.2.1.3, X509-SVID §4.3',
  profiles: everyProfile,
  check: ({ certificate: { extensions } }) =>
    extensions.keyUsage?.critical === true ? undefined : 'it has no critical key usage',
}
