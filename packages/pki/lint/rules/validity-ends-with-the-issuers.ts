import { everyProfile, type LintRule } from '../lint-rule.ts'

export const validityEndsWithTheIssuers: LintRule = {
  name: 'validity-ends-with-the-issuers',
  source: 'RFC 5280 §6.1.3 (a) (2): the path is valid no longer than its shortest certificate',
  profiles: everyProfile,
  check: ({ certificate, issuer }) =>
    certificate.notAfter <= issuer.notAfter
      ? undefined
      : `it ends ${new Date(certificate.notAfter).toISOString()}, after its issuer (${new Date(issuer.notAfter).toISOString()})`,
}
