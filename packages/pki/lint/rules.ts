import type { Profile } from '../profiles/profile.ts'
import type { LintRule } from './lint-rule.ts'
import { authorityInfoAccessIsHttp } from './rules/authority-info-access-is-http.ts'
import { authorityKeyIdentifierIsPlain } from './rules/authority-key-identifier-is-plain.ts'
import { authorityKeyIdentifierIsPresent } from './rules/authority-key-identifier-is-present.ts'
import { authorityKeyIdentifierIsTheIssuers } from './rules/authority-key-identifier-is-the-issuers.ts'
import { basicConstraintsMakeACa } from './rules/basic-constraints-make-a-ca.ts'
import { basicConstraintsOfACaAreCritical } from './rules/basic-constraints-of-a-ca-are-critical.ts'
import { basicConstraintsOfALeaf } from './rules/basic-constraints-of-a-leaf.ts'
import { caHasASubject } from './rules/ca-has-a-subject.ts'
import { commonNameIsAnAltName } from './rules/common-name-is-an-alt-name.ts'
import { countryIsTwoLetters } from './rules/country-is-two-letters.ts'
import { crlDistributionPointsAreOneHttpUri } from './rules/crl-distribution-points-are-one-http-uri.ts'
import { extendedKeyUsageIsNotCritical } from './rules/extended-key-usage-is-not-critical.ts'
import { extendedKeyUsageNotInARoot } from './rules/extended-key-usage-not-in-a-root.ts'
import { extendedKeyUsageOfALeaf } from './rules/extended-key-usage-of-a-leaf.ts'
import { extendedKeyUsageOfAnOcspSigner } from './rules/extended-key-usage-of-an-ocsp-signer.ts'
import { extendedKeyUsageOfAnOperator } from './rules/extended-key-usage-of-an-operator.ts'
import { extensionsAreOfTheProfile } from './rules/extensions-are-of-the-profile.ts'
import { issuerHasAName } from './rules/issuer-has-a-name.ts'
import { issuerIsTheIssuersSubject } from './rules/issuer-is-the-issuers-subject.ts'
import { issuingCaHasAPathLength } from './rules/issuing-ca-has-a-path-length.ts'
import { keyIsAllowed } from './rules/key-is-allowed.ts'
import { keyIsUsable } from './rules/key-is-usable.ts'
import { keyUsageAllowsIssuing } from './rules/key-usage-allows-issuing.ts'
import { keyUsageIsCritical } from './rules/key-usage-is-critical.ts'
import { keyUsageOfACa } from './rules/key-usage-of-a-ca.ts'
import { keyUsageOfALeaf } from './rules/key-usage-of-a-leaf.ts'
import { nameConstraintsAreCritical } from './rules/name-constraints-are-critical.ts'
import { nameConstraintsAreWellFormed } from './rules/name-constraints-are-well-formed.ts'
import { nameConstraintsOfAnIssuingCa } from './rules/name-constraints-of-an-issuing-ca.ts'
import { nameConstraintsOnlyInACa } from './rules/name-constraints-only-in-a-ca.ts'
import { namesAreWithinTheIssuersConstraints } from './rules/names-are-within-the-issuers-constraints.ts'
import { namesOfAnOperator } from './rules/names-of-an-operator.ts'
import { ocspNoCheckOfAnOcspSigner } from './rules/ocsp-no-check-of-an-ocsp-signer.ts'
import { pathLengthOnlyWithCa } from './rules/path-length-only-with-ca.ts'
import { serialFits20Octets } from './rules/serial-fits-20-octets.ts'
import { serialIsPositive } from './rules/serial-is-positive.ts'
import { serialIsUnpredictable } from './rules/serial-is-unpredictable.ts'
import { signatureAlgorithmIsAllowed } from './rules/signature-algorithm-is-allowed.ts'
import { signatureAlgorithmIsTheIssuers } from './rules/signature-algorithm-is-the-issuers.ts'
import { subjectAltNameCriticalWithoutSubject } from './rules/subject-alt-name-critical-without-subject.ts'
import { subjectAltNameIsWellFormed } from './rules/subject-alt-name-is-well-formed.ts'
import { subjectAltNameOfALeaf } from './rules/subject-alt-name-of-a-leaf.ts'
import { subjectKeyIdentifierIsNotCritical } from './rules/subject-key-identifier-is-not-critical.ts'
import { subjectKeyIdentifierIsPresent } from './rules/subject-key-identifier-is-present.ts'
import { subjectOfAnOcspSigner } from './rules/subject-of-an-ocsp-signer.ts'
import { tlsFeatureIsStatusRequest } from './rules/tls-feature-is-status-request.ts'
import { validityEndsWithTheIssuers } from './rules/validity-ends-with-the-issuers.ts'
import { validityIsInOrder } from './rules/validity-is-in-order.ts'
import { versionIs3 } from './rules/version-is-3.ts'

/** Every rule, in alphabetical order. */
export const lintRules: readonly LintRule[] = [
  authorityInfoAccessIsHttp,
  authorityKeyIdentifierIsPlain,
  authorityKeyIdentifierIsPresent,
  authorityKeyIdentifierIsTheIssuers,
  basicConstraintsMakeACa,
  basicConstraintsOfACaAreCritical,
  basicConstraintsOfALeaf,
  caHasASubject,
  commonNameIsAnAltName,
  countryIsTwoLetters,
  crlDistributionPointsAreOneHttpUri,
  extendedKeyUsageIsNotCritical,
  extendedKeyUsageNotInARoot,
  extendedKeyUsageOfALeaf,
  extendedKeyUsageOfAnOcspSigner,
  extendedKeyUsageOfAnOperator,
  extensionsAreOfTheProfile,
  issuerHasAName,
  issuerIsTheIssuersSubject,
  issuingCaHasAPathLength,
  keyIsAllowed,
  keyIsUsable,
  keyUsageAllowsIssuing,
  keyUsageIsCritical,
  keyUsageOfACa,
  keyUsageOfALeaf,
  nameConstraintsAreCritical,
  nameConstraintsAreWellFormed,
  nameConstraintsOfAnIssuingCa,
  nameConstraintsOnlyInACa,
  namesAreWithinTheIssuersConstraints,
  namesOfAnOperator,
  ocspNoCheckOfAnOcspSigner,
  pathLengthOnlyWithCa,
  serialFits20Octets,
  serialIsPositive,
  serialIsUnpredictable,
  signatureAlgorithmIsAllowed,
  signatureAlgorithmIsTheIssuers,
  subjectAltNameCriticalWithoutSubject,
  subjectAltNameIsWellFormed,
  subjectAltNameOfALeaf,
  subjectKeyIdentifierIsNotCritical,
  subjectKeyIdentifierIsPresent,
  subjectOfAnOcspSigner,
  tlsFeatureIsStatusRequest,
  validityEndsWithTheIssuers,
  validityIsInOrder,
  versionIs3,
]

/** Those that count for certificates of a profile. */
export const lintRulesOf: Readonly<Record<Profile, readonly LintRule[]>> = {
  root: lintRules.filter(({ profiles }) => profiles.includes('root')),
  cross: lintRules.filter(({ profiles }) => profiles.includes('cross')),
  'issuing-ca': lintRules.filter(({ profiles }) => profiles.includes('issuing-ca')),
  leaf: lintRules.filter(({ profiles }) => profiles.includes('leaf')),
  operator: lintRules.filter(({ profiles }) => profiles.includes('operator')),
  'ocsp-signer': lintRules.filter(({ profiles }) => profiles.includes('ocsp-signer')),
}
