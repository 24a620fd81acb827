import type { LintRule } from '../lint-rule.ts'

export const ocspNoCheckOfAnOcspSigner: LintRule = {
  name: 'ocsp-no-check-of-an-ocsp-signer',
  source: 'RFC 6960 §4.2.2.2.1',
  profiles: ['ocsp-signer'],
  check: ({ certificate: { extensions } }) =>
    extensions.ocspNoCheck?.critical === false
      ? undefined
      : 'it has no id-pkix-ocsp-nocheck that is not critical, so its own status would be asked for without end',
}
