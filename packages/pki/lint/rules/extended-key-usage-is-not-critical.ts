import { endEntities, type LintRule } from '../lint-rule.ts'

export const extendedKeyUsageIsNotCritical: LintRule = {
  name: 'extended-key-usage-is-not-critical',
  source: 'BR 7.1.2.7.6',
  profiles: endEntities,
  check: ({ certificate: { extensions } }) =>
    extensions.extendedKeyUsage?.critical === true ? 'its extended key usage is critical' : undefined,
}
