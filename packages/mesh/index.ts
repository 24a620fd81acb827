export type { MeshAgent } from './agent.ts'
export { type AuthorizeHandler, type Authorizer, anyone, authorize } from './authorize.ts'
export { type CertificateCheckOptions, checkCertificate } from './certificate-check.ts'
export type { ConnectOptions } from './client.ts'
export type { Clock } from './clock.ts'
export type { MeshDispatcher } from './dispatcher.ts'
export { MeshError, type MeshErrorCode } from './error.ts'
export {
  type Believed,
  type CallEnd,
  type CallQuestion,
  type Explanation,
  explainCall,
  explainCertificate,
  type RuleVerdict,
} from './explain.ts'
export { type JoinOptions, join } from './join.ts'
export { type EventLogger, logEvents } from './log-events.ts'
export type { Mesh } from './mesh.ts'
export type {
  Accepted,
  Condition,
  Counters,
  CutConnection,
  MeshEvents,
  Revocation,
  Rotation,
  Self,
  Update,
} from './mesh-events.ts'
export { refuseUnsafeNode } from './node-version.ts'
export type { OperatorPlace } from './operator/operator-port.ts'
export { checkPair, type PairCheckOptions } from './pair-check.ts'
export type { Peer } from './peer.ts'
export type { ClaimedPeer, GateRule, Refusal, Rule } from './refusal.ts'
export type { Http2ServerOptions, ServerOptions } from './server.ts'
export type { LogAlarm } from './transparency/log-watch.ts'
export type { Usage } from './usage.ts'
