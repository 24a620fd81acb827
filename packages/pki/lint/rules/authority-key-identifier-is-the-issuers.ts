import { isSelfIssued } from '../../certificate.ts'
import { equalOctets } from '../../octets.ts'
import { everyProfile, type LintRule } from '../lint-rule.ts'

export const authorityKeyIdentifierIsTheIssuers: LintRule = {
  name: 'authority-key-identifier-is-the-issuers',
  source: 'RFC 5280 §4.2.1.1',
  profiles: everyProfile,
  check({ certificate, issuer, profile }) {
    // A root that another CA issued too: who that is, nobody says here.
    if (profile === 'root' && !isSelfIssued(certificate)) return undefined
    const wanted = certificate.extensions.authorityKeyIdentifier?.keyIdentifier
    const found = issuer.extensions.subjectKeyIdentifier?.keyIdentifier
    return wanted === undefined || (found !== undefined && equalOctets(wanted, found))
      ? undefined
      : "its authority key identifier is not its issuer's subject key identifier"
  },
}
