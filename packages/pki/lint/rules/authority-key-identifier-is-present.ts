import { isSelfIssued } from '../../certificate.ts'
import { everyProfile, type LintRule } from '../lint-rule.ts'

export const authorityKeyIdentifierIsPresent: LintRule = {
  name: 'authority-key-identifier-is-present',
  source: 'RFC 5280 §4.2.1.1',
  profiles: everyProfile,
  check({ certificate, profile }) {
    if (certificate.extensions.authorityKeyIdentifier !== undefined) return undefined
    return profile === 'root' && isSelfIssued(certificate) ? undefined : 'it has no authority key identifier'
  },
}
