import { isSignatureAlgorithm } from '../../keys/signature.ts'
import { hexText } from '../../octets.ts'
import { everyProfile, type LintRule } from '../lint-rule.ts'

export const signatureAlgorithmIsAllowed: LintRule = {
  name: 'signature-algorithm-is-allowed',
  source: 'BR 7.1.3.2, RFC 9155',
  profiles: everyProfile,
  check: ({ certificate: { signatureAlgorithm } }) =>
    isSignatureAlgorithm(signatureAlgorithm)
      ? undefined
      : `its signature algorithm (${hexText(signatureAlgorithm)}) is weak or unknown`,
}
