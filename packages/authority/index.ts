// Imported here so that Node's compile cache has the code of the threads too; else each thread would compile it.
import './disk/swap-thread.ts'

export type { ConsoleLink, ConsoleLinkRequest } from './admin/admin-calls.ts'
export { askConsoleLink, connectAdmin } from './admin/connect-admin.ts'
export { type ReadEventsOptions, readEvents } from './admin/read-events.ts'
export { type AdminOptions, type AdminServer, serveAdmin } from './admin/serve-admin.ts'
export type { Administration, BackupMade, BackupRequest } from './administration.ts'
export type { ApplyOptions, ApplyReport } from './applying/apply.ts'
export type { AuditFault } from './audit/audit-fault.ts'
export type { AuditQuery } from './audit/read-audit.ts'
export type { AuditVerdict } from './audit/verify-audit.ts'
export { Authority } from './authority.ts'
export { AuthorityReader, type PromisedCertificate } from './authority-reader.ts'
export { type RestoreReport, restoreBackup } from './backup/restore.ts'
export type { RestoreOptions } from './backup/restoring.ts'
export { printable, printableLine } from './delivery/printable.ts'
export { runReload } from './delivery/reload.ts'
export type { ReloadOptions } from './delivery/reload-options.ts'
export { Disk } from './disk/disk.ts'
export { OwnerBook } from './disk/owner.ts'
export type { ReloadFiles } from './engine/handover.ts'
export type { LivePeer } from './engine/peer-book.ts'
export { AuthorityError, type AuthorityErrorCode } from './error.ts'
export {
  type AuthorityEvent,
  type AuthorityEventDetails,
  type AuthorityEventKind,
  authorityEventKinds,
  type Happening,
} from './events/event.ts'
export { EventBook, type KeptEvent, missedBetween, type ToldEvent } from './events/event-book.ts'
export type { NextGeneration } from './events/next-generation.ts'
export type { IssuedOperator } from './issuing/issue-operator.ts'
export type { IssuedChain } from './issuing/issue-pair.ts'
export { type KeepOptions, keep, LONGEST_WAIT } from './keep.ts'
export { placeText, type RootKeyPlace } from './keys/root-key-place.ts'
export type { LiveService } from './peers/live-service.ts'
export { MessageBudget } from './peers/message-budget.ts'
export type { Inventory } from './planning/inventory.ts'
export {
  type Action,
  type InstanceAction,
  type MeshAction,
  type Plan,
  plan,
  type RollAction,
  type ServiceAction,
} from './planning/plan.ts'
export type { RollWait, RootKeyAsk } from './planning/roll-step.ts'
export type { Safety } from './planning/service-changes.ts'
export type { ProbePairs } from './probe/prepare-probe.ts'
export type { RefusedCallersAnswer, RefusedCallersRequest, ReportingPeer } from './probe/refused-callers.ts'
export type { ShownPair } from './probe/refused-pairs.ts'
export { LONGEST_SUSPENSION, type SuspendedPins } from './publishing/suspend-pins.ts'
export type { ResponderChannel } from './responder/run-responder.ts'
export { runResponder } from './responder/run-responder.ts'
export type { Enforcement, EnforcementRequest } from './revocation/enforcement.ts'
export type { RevokePreview } from './revocation/preview.ts'
export type { RevokeReport, RevokeRequest } from './revocation/revoke.ts'
export type { RevokeTarget } from './revocation/targets.ts'
export type { RotatePreview, RotateReport, RotateRequest } from './rotation/rotate.ts'
export type { Rotated } from './rotation/rotate-pair.ts'
export type { CertificateLog, OpenLog } from './scts/certificate-log.ts'
export { type RefusedPairKind, refusedPairKinds } from './services/refused-pair-kinds.ts'
export type { RecentRevocation, RecordedCertificate, ServiceRecord } from './services/service-record.ts'
export { wantedMembers } from './services/wanted-members.ts'
export type { AuthorityOptions } from './state/open-engine.ts'
export type { Measurements } from './status/measurements.ts'
export type { OutageBudget } from './status/outage-budget.ts'
export type { CaStatus, InstanceStatus, Link, Status } from './status/status.ts'
export { type AuditRow, type RevocationReason, revocationReasons, type SlotKind } from './store/rows.ts'
export type { Ahead } from './timing/issued-ahead.ts'
export { Pace } from './timing/pace.ts'
export type { LogFinding } from './transparency/compare-entry.ts'
