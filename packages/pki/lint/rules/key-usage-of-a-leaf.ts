import { endEntities, type LintRule } from '../lint-rule.ts'

export const keyUsageOfALeaf: LintRule = {
  name: 'key-usage-of-a-leaf',
  source: 'RFC 5280 §4.2.1.3, RFC 9881 §3, X509-SVID §4.3',
  profiles: endEntities,
  check({ certificate: { extensions } }) {
    const usages = [...(extensions.keyUsage?.usages ?? [])].join(', ')
    return usages === 'digitalSignature' ? undefined : `its key usage is "${usages}", not "digitalSignature"`
  },
}
