import { everyProfile, type LintRule } from '../lint-rule.ts'

export const subjectKeyIdentifierIsPresent: LintRule = {
  name: 'subject-key-identifier-is-present',
  source: 'RFC 5280 §4.2.1.2',
  profiles: everyProfile,
  check: ({ certificate: { extensions } }) =>
    extensions.subjectKeyIdentifier === undefined ? 'it has no subject key identifier' : undefined,
}
