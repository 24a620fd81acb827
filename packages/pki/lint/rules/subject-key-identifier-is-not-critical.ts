import { everyProfile, type LintRule } from '../lint-rule.ts'

export const subjectKeyIdentifierIsNotCritical: LintRule = {
  name: 'subject-key-identifier-is-not-critical',
  source: 'RFC 5280 §4.2.1.2',
  profiles: everyProfile,
  check: ({ certificate: { extensions } }) =>
    extensions.subjectKeyIdentifier?.critical === true ? 'its subject key identifier is critical' : undefined,
}
