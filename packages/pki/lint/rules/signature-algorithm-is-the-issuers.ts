import { keyAlgorithms } from '../../keys/key-algorithm.ts'
import { equalOctets } from '../../octets.ts'
import { everyProfile, type LintRule } from '../lint-rule.ts'

export const signatureAlgorithmIsTheIssuers: LintRule = {
  name: 'signature-algorithm-is-the-issuers',
  source: 'RFC 5280 §4.1.1.2',
  profiles: everyProfile,
  check({ certificate, issuer: { keyAlgorithm } }) {
    if (keyAlgorithm === undefined) return "its issuer's key is of no kind that signs here"
    const { signatureIdentifier } = keyAlgorithms[keyAlgorithm]
    return equalOctets(certificate.signatureAlgorithm, signatureIdentifier)
      ? undefined
      : `its signature algorithm is not the one that a key of kind ${keyAlgorithm} makes`
  },
}
