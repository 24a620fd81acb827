import { oids } from '../../oids.ts'
import type { LintRule } from '../lint-rule.ts'

export const extendedKeyUsageOfAnOcspSigner: LintRule = {
  name: 'extended-key-usage-of-an-ocsp-signer',
  source: 'RFC 6960 §4.2.2.2, BR 7.1.2.8.5',
  profiles: ['ocsp-signer'],
  check({ certificate: { extensions } }) {
    const found = extensions.extendedKeyUsage?.purposes.join(', ') ?? ''
    return found === oids.ocspSigning ? undefined : `its extended key usage is "${found}", not OCSPSigning`
  },
}
