import { authorities, type LintRule } from '../lint-rule.ts'

export const keyUsageOfACa: LintRule = {
  name: 'key-usage-of-a-ca',
  source: 'RFC 5280 §4.2.1.3',
  profiles: authorities,
  check({ certificate: { extensions } }) {
    const usages = [...(extensions.keyUsage?.usages ?? [])].join(', ')
    return usages === 'keyCertSign, cRLSign'
      ? undefined
      : `its key usage is "${usages}", not "keyCertSign, cRLSign"`
  },
}
