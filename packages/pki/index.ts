export {
  type Certificate,
  isSelfIssued,
  parseCertificate,
  parseTbsCertificate,
  type TbsCertificate,
  tbsHash,
} from './certificate.ts'
export { type CrlExpectation, type CrlMark, checkCrl, checkDelta, crlMark } from './crl/check-crl.ts'
export type { CheckedCrl, CheckedDelta, RevocationStatus } from './crl/checked-crl.ts'
export { combine } from './crl/combine.ts'
export { type Crl, parseCrl } from './crl/crl.ts'
export { type CrlRule, crlRules } from './crl/crl-rules.ts'
export { RevokedEntries } from './crl/revoked-entries.ts'
export { encodeRevokedEntry, type RevocationRequest, type RevokedEntry } from './crl/revoked-entry.ts'
export { signCrl } from './crl/sign-crl.ts'
export type { CrlRequest } from './crl/tbs-crl.ts'
export { type Csr, type CsrRequest, checkProofOfPossession, createCsr, parseCsr } from './csr.ts'
export { type BitString, type DerElement, DerReader, readDer } from './der/reader.ts'
export { constructed, primitive, tag } from './der/tag.ts'
export { DerWriter, encodeDer } from './der/writer.ts'
export { isDnsName } from './dns-name.ts'
export { type BasicConstraints, writeBasicConstraints } from './extensions/basic-constraints.ts'
export { type ExtendedKeyUsage, writeExtendedKeyUsage } from './extensions/extended-key-usage.ts'
export { type Extension, type Extensions, encodeExtension } from './extensions/extensions.ts'
export type { GeneralName } from './extensions/general-name.ts'
export type { CrlScope, IssuingDistributionPoint } from './extensions/issuing-distribution-point.ts'
export {
  keyIdentifierOf,
  writeAuthorityKeyIdentifier,
  writeSubjectKeyIdentifier,
} from './extensions/key-identifiers.ts'
export { type KeyUsage, type KeyUsageName, writeKeyUsage } from './extensions/key-usage.ts'
export { type NameConstraints, type NameSpaces, writeNameConstraints } from './extensions/name-constraints.ts'
export { writePrecertificatePoison } from './extensions/precertificate-poison.ts'
export type { RevocationReason } from './extensions/reason-code.ts'
export { type SctList, writeSctList } from './extensions/sct-list.ts'
export { type AltNames, type SubjectAltName, writeSubjectAltName } from './extensions/subject-alt-name.ts'
export { statusRequest, type TlsFeature } from './extensions/tls-feature.ts'
export { ipOctets, ipText } from './ip-address.ts'
export {
  generateKeyPair,
  type KeyAlgorithm,
  type KeyAlgorithmEntry,
  type KeyPair,
  keyAlgorithms,
} from './keys/key-algorithm.ts'
export { type KeyKind, keyAlgorithmOf, publicKeyOf, sha256, spkiOf } from './keys/public-key.ts'
export { type SignedMessage, verifySignature } from './keys/signature.ts'
export { localSigner, type Signer } from './keys/signer.ts'
export { type LintFinding, type LintRequest, lint } from './lint/lint.ts'
export type { LintRule } from './lint/lint-rule.ts'
export type { LintToken } from './lint/lint-token.ts'
export { lintRules } from './lint/rules.ts'
export { encodeName, type Name, type NameAttribute, type NameParts, type RelativeName } from './name.ts'
export { type CertId, certIdOf, isAboutIssuer, type OcspHash } from './ocsp/cert-id.ts'
export type { CertStatus, OcspRevocationReason } from './ocsp/cert-status.ts'
export { type CheckedOcsp, checkOcspResponse, type OcspCheck } from './ocsp/check-ocsp-response.ts'
export type { OcspAnswer } from './ocsp/ocsp-answer.ts'
export { type OcspErrorStatus, ocspErrorResponse } from './ocsp/ocsp-error-response.ts'
export {
  encodeOcspRequest,
  type OcspQuestion,
  type OcspRequest,
  parseOcspRequest,
} from './ocsp/ocsp-request.ts'
export { type BasicOcspResponse, type OcspResponse, parseOcspResponse } from './ocsp/ocsp-response.ts'
export { type OcspResponseRequest, signOcspResponse } from './ocsp/sign-ocsp-response.ts'
export { oids } from './oids.ts'
export type { Usage } from './path/check-certificate.ts'
export { checkRoot } from './path/check-root.ts'
export { endOf } from './path/end-of.ts'
export { checkPeerName, type PeerName } from './path/peer-name.ts'
export { type PathRequest, type VerifiedPath, verifyPath } from './path/verify-path.ts'
export { decodePem, encodePem } from './pem.ts'
export { PkiError, type PkiErrorCode, type PkiErrorData } from './pki-error.ts'
export { type CrossRequest, crossCertificate } from './profiles/cross.ts'
export { type IssuingCaRequest, issuingCaCertificate } from './profiles/issuing-ca.ts'
export { type LeafRequest, leafCertificate } from './profiles/leaf.ts'
export { type OcspSignerRequest, ocspSignerCertificate } from './profiles/ocsp-signer.ts'
export { type OperatorRequest, operatorCertificate } from './profiles/operator.ts'
export type { Profile } from './profiles/profile.ts'
export { type RootRequest, rootCertificate } from './profiles/root.ts'
export type { AuthorityStatus, LeafStatus } from './profiles/status-extensions.ts'
export { encodeTbsCertificate, serialText, type TbsFields } from './profiles/tbs-certificate.ts'
export { encodeSigned } from './signed.ts'
export type { Precertificate } from './signing/precertificate.ts'
export { signCertificate } from './signing/sign-certificate.ts'
export { signLogged } from './signing/sign-logged.ts'
export { signPrecertificate } from './signing/sign-precertificate.ts'
export { onlySpiffeId, parseSpiffeId, type SpiffeId } from './spiffe-id.ts'
export { checkSubmission, type Submission, type SubmissionCheck } from './transparency/check-submission.ts'
export { leafIndexExtension, leafIndexOf } from './transparency/ct-extensions.ts'
export {
  certificateOfEntry,
  type LogEntry,
  type PrecertEntry,
  precertEntry,
  readableCertificate,
  type X509Entry,
  x509Entry,
} from './transparency/log-entry.ts'
export { logIdOf } from './transparency/log-id.ts'
export { encodeSct, parseSct, type Sct, type SctAlgorithm } from './transparency/sct.ts'
export { encodeSctList, parseSctList } from './transparency/sct-list.ts'
export { isSignedSct, signSct } from './transparency/sct-signature.ts'
export { withoutPoison, withoutSctList } from './transparency/tbs-extensions.ts'
export { encodeTileLeaf, parseDataTile, parseTileLeaf, type TileLeaf } from './transparency/tile-leaf.ts'
export {
  merkleTreeLeaf,
  sctSignatureInput,
  type TimestampedEntry,
} from './transparency/timestamped-entry.ts'
export { transparencyBudget } from './transparency/transparency-budget.ts'
export {
  type BadSct,
  type CheckedScts,
  type GoodSct,
  type OneSctCheck,
  type SctCheck,
  type SctFault,
  verifySct,
  verifyScts,
} from './transparency/verify-scts.ts'
