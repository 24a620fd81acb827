import { everyProfile, type LintRule } from '../lint-rule.ts'

export const authorityKeyIdentifierIsPlain: LintRule = {
  name: 'authority-key-identifier-is-plain',
  source: 'RFC 5280 §4.2.1.1, BR 7.1.2.11.1',
  profiles: everyProfile,
  check({ certificate: { extensions } }) {
    const identifier = extensions.authorityKeyIdentifier
    if (identifier === undefined) return undefined
    if (identifier.critical) return 'its authority key identifier is critical'
    if (identifier.keyIdentifier === undefined) return 'its authority key identifier holds no key identifier'
    return identifier.namesCertificate
      ? "its authority key identifier names the issuer's certificate, so the issuer could not be cross-signed"
      : undefined
  },
}
