import { isDnsName } from '../../dns-name.ts'
import type { LintRule } from '../lint-rule.ts'

export const subjectOfAnOcspSigner: LintRule = {
  name: 'subject-of-an-ocsp-signer',
  source: 'RFC 5280 §4.1.2.6; OpenSSL holds a common name that is a DNS name against name constraints',
  profiles: ['ocsp-signer'],
  check({ certificate: { subject } }) {
    const { commonName } = subject
    if (commonName === undefined) return 'its subject has no common name, and it has no other name'
    return isDnsName(commonName) ? `its common name "${commonName}" is a DNS name` : undefined
  },
}
