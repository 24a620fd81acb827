import { oids } from '../../oids.ts'
import type { LintRule } from '../lint-rule.ts'

export const extendedKeyUsageOfALeaf: LintRule = {
  name: 'extended-key-usage-of-a-leaf',
  source: 'X509-SVID §4.4, RFC 5280 §4.2.1.12',
  profiles: ['leaf'],
  check({ certificate: { extensions } }) {
    const purposes = extensions.extendedKeyUsage?.purposes ?? []
    return purposes.length === 2 && purposes[0] === oids.serverAuth && purposes[1] === oids.clientAuth
      ? undefined
      : `its extended key usage is "${purposes.join(', ')}", not serverAuth and clientAuth`
  },
}
