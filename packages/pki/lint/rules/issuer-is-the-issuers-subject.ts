import { everyProfile, type LintRule } from '../lint-rule.ts'

export const issuerIsTheIssuersSubject: LintRule = {
  name: 'issuer-is-the-issuers-subject',
  source: 'RFC 5280 §4.1.2.4',
  profiles: everyProfile,
  check: ({ certificate, issuer }) =>
    certificate.issuer.equals(issuer.subject)
      ? undefined
      : `its issuer ${certificate.issuer} is not, octet for octet, the subject ${issuer.subject}`,
}
