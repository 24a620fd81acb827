export type { DocumentNumber } from '@datapunk/protocol'
export type { MeshAgent } from './client/agent.ts'
export type { ConnectOptions } from './client/client.ts'
export type { MeshDispatcher } from './client/dispatcher.ts'
export type { Clock } from './clock.ts'
export { MeshError, type MeshErrorCode } from './error.ts'
export { type MeshDocuments, type MeshReading, readMeshDocuments } from './files/mesh-files.ts'
export { type CertificateCheckOptions, checkCertificate } from './gate/certificate-check.ts'
export {
  type Believed,
  type CallEnd,
  type CallQuestion,
  type Explanation,
  explainCall,
  explainCertificate,
  type RuleVerdict,
} from './gate/explain.ts'
export type { Peer } from './gate/peer.ts'
export { type JoinOptions, join } from './join.ts'
export { type EventLogger, logEvents } from './log-events.ts'
export { checkPair, type PairCheckOptions } from './membership/pair-check.ts'
export type { Mesh } from './mesh.ts'
export type {
  Accepted,
  Condition,
  Counters,
  CutConnection,
  DrainingConnection,
  MeshEvents,
  Revocation,
  Rotation,
  Self,
  Staleness,
  Update,
} from './mesh-events.ts'
export { refuseUnsafeNode } from './node-version.ts'
export type { OperatorPlace } from './operator/operator-port.ts'
export type { ClaimedPeer, GateRule, Refusal, Rule } from './refusal.ts'
export { type AuthorizeHandler, type Authorizer, anyone, authorize } from './server/authorize.ts'
export type { Http2ServerOptions, ServerOptions } from './server/server.ts'
export type { LogAlarm } from './transparency/log-watch.ts'
