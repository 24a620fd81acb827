export { addressText, canonicalHost, hostText, plainAddress, remoteText } from './address-text.ts'
export { answerInTurn } from './answer-in-turn.ts'
export { encodeAudit, parseAudit } from './audit.ts'
export { authorityName, authoritySpiffeId } from './authority-identity.ts'
export {
  type BeliefOptions,
  type Bundle,
  type BundleHead,
  indexMembers,
  isKnownSection,
  openBundle,
  openHead,
  readBundleHead,
  type SectionRef,
  type SignedHead,
  sealBundleHead,
} from './bundle.ts'
export { type AuthorityAddress, authorityAddressOf } from './config/authority-address.ts'
export type {
  Address,
  CaConfig,
  Config,
  OperatorConfig,
  Requirement,
  ServiceConfig,
  Strictness,
} from './config/config.ts'
export { parseDuration } from './config/duration.ts'
export { type Layout, type LogFolder, layoutOf, logFolderId, trustStatementNumbers } from './config/layout.ts'
export { isLoopback } from './config/loopback.ts'
export { type ConfigPlace, type ParseConfigOptions, parseConfig } from './config/parse.ts'
export { configJsonSchema, configReference } from './config/reference.ts'
export { type Reload, type ReloadSignal, speaksPostgres } from './config/reload.ts'
export { MAX_CONFIG_BYTES } from './config/source.ts'
export { spellingHint } from './config/spelling.ts'
export { consoleNamesOf, consoleSpiffeId } from './console-identity.ts'
export {
  compareDocumentNumbers,
  type DocumentNumber,
  formatDocumentNumber,
  isSuccessor,
  MAX_GENERATION,
  parseDocumentNumber,
} from './document-number.ts'
export { encodeDraining, parseDraining } from './draining.ts'
export { ConfigError, type ConfigProblem, ProtocolError, type ProtocolErrorCode } from './error.ts'
export { type ReadLogObject, readLogEntries, tilesOfEntries } from './log-entries.ts'
export { type LogSubmission, openLogSubmission, sealLogSubmission } from './log-submission.ts'
export { encodeMembers, MAX_NAMES, type Member, parseMembers, type Subject } from './members.ts'
export { operatorSpiffeId } from './operator-identity.ts'
export { bundlePace, type Lasting, leastOf, leastOfBundle } from './outage-budget.ts'
export {
  type Acknowledgement,
  type Hello,
  openAcknowledgement,
  openHello,
  sealAcknowledgement,
  sealHello,
  type WitnessedCheckpoint,
} from './peer-statement.ts'
export { encodePins, type Pins, parsePins, pinOf } from './pins.ts'
export { PROBE, probeName } from './probe-identity.ts'
export { encodeRevoked, RevokedSet, revokedPrefix } from './revoked.ts'
export { isSignedBy, keyIdOf, parseSealed, type SealedDocument, seal } from './sealed.ts'
export { applySectionDifference, sectionDifference } from './section-difference.ts'
export { serviceSpiffeId } from './service-identity.ts'
export {
  type AuthorityMessage,
  encodeMessage,
  LONGEST_SILENCE,
  MAX_DIFFERENCE_AHEAD,
  MAX_REFUSED_LAST,
  MAX_REPORTED_CONNECTIONS,
  MAX_SHOWN_TRUST,
  MessageReader,
  type PeerMessage,
  REPORT_EVERY,
  type RefusedCaller,
  type Report,
} from './stream.ts'
export { strictTls, tls13Suites, tlsGroups } from './strict-tls.ts'
export { encodeTransparency, parseTransparency } from './transparency.ts'
export {
  followTrustStatements,
  MAX_ISSUING_CAS,
  MAX_LOGS,
  readTrustStatement,
  type SignedTrustStatement,
  sealTrustStatement,
  type TrustedLog,
  type TrustStatement,
} from './trust-statement.ts'
