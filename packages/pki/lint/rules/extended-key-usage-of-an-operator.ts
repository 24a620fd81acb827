import { oids } from '../../oids.ts'
import type { LintRule } from '../lint-rule.ts'

export const extendedKeyUsageOfAnOperator: LintRule = {
  name: 'extended-key-usage-of-an-operator',
  source: 'RFC 5280 §4.2.1.12; an operator calls, and is never called',
  profiles: ['operator'],
  check({ certificate: { extensions } }) {
    const found = extensions.extendedKeyUsage?.purposes.join(', ') ?? ''
    return found === oids.clientAuth ? undefined : `its extended key usage is "${found}", not clientAuth`
  },
}
