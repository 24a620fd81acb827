import { authorities, type LintRule } from '../lint-rule.ts'

export const keyUsageAllowsIssuing: LintRule = {
  name: 'key-usage-allows-issuing',
  source: 'RFC 5280 §6.1.4 (n)',
  profiles: authorities,
  check: ({ certificate: { extensions } }) =>
    extensions.keyUsage?.usages.has('keyCertSign') === false
      ? 'its key usage does not allow it to sign certificates'
      : undefined,
}
