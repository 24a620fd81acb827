import type { ApplyOptions, ApplyReport } from './applying/apply.ts'
import type { BackupContents, BackupReport } from './backup/backup-place.ts'
import type { NextGeneration } from './events/next-generation.ts'
import type { IssuedOperator } from './issuing/issue-operator.ts'
import type { IssuedChain } from './issuing/issue-pair.ts'
import type { LiveService } from './peers/live-service.ts'
import type { Plan } from './planning/plan.ts'
import type { ProbePairs } from './probe/prepare-probe.ts'
import type { RefusedCallersAnswer, RefusedCallersRequest } from './probe/refused-callers.ts'
import type { SuspendedPins } from './publishing/suspend-pins.ts'
import type { Enforcement, EnforcementRequest } from './revocation/enforcement.ts'
import type { RevokePreview } from './revocation/preview.ts'
import type { RevokeReport, RevokeRequest } from './revocation/revoke.ts'
import type { RotatePreview, RotateReport, RotateRequest } from './rotation/rotate.ts'
import type { Status } from './status/status.ts'

/** What can be asked of an authority, in this process or over its socket. */
export interface Administration {
  plan(): Promise<Plan>
  apply(options: ApplyOptions): Promise<ApplyReport>
  /** A new pair for a service, now. @throws AuthorityError `NOT_A_MEMBER` */
  issue(service: string): Promise<IssuedChain>
  /** @param csr PKCS#10, PEM or DER */
  issueForCsr(service: string, csr: Uint8Array): Promise<IssuedChain>
  /** A certificate for a person who may come to the console. @param csr PKCS#10, PEM or DER @throws AuthorityError `NOT_AN_OPERATOR` */
  issueOperator(operator: string, csr: Uint8Array): Promise<IssuedOperator>
  rotate(request: RotateRequest): Promise<RotateReport>
  /** What `rotate` would touch; changes nothing. */
  previewRotation(request: RotateRequest): Promise<RotatePreview>
  /** Nobody is to accept these certificates any more. @throws AuthorityError `NOT_REVOCABLE` */
  revoke(request: RevokeRequest): Promise<RevokeReport>
  /** What `revoke` would take away; changes nothing. */
  previewRevocation(request: RevokeRequest): Promise<RevokePreview>
  /** Who enforces a bundle, once every live peer does, or the wait is over. */
  enforcement(request: EnforcementRequest): Promise<Enforcement>
  /**
   * For so long, milliseconds, nobody is refused for his key, whatever the config says; undefined ends it.
   *
   * @throws AuthorityError `NOTHING_PINNED`
   */
  suspendPins(span: number | undefined): Promise<SuspendedPins>
  /** What `mtls probe` shows; makes the probe a member where it is none. @throws AuthorityError `SERVICE_BARRED` */
  prepareProbe(): Promise<ProbePairs>
  /** Whom live peers have refused, by their reports, once there is a new one, or the wait is over. */
  refusedCallers(request: RefusedCallersRequest): Promise<RefusedCallersAnswer>
  /** Removes the files of removed services. @returns the paths removed */
  purge(): Promise<readonly string[]>
  status(): Promise<Status>
  /** How the processes of a service are now. */
  liveService(service: string): Promise<LiveService>
  /** All of this authority in one encrypted file, while it goes on working. Whoever asks writes it, where he sees that place. */
  backup(request: BackupRequest): Promise<BackupMade>
  /** Goes on from a state folder that may not be the newest of its mesh, under a new generation and a new bundle key. */
  continueFromHere(): Promise<NextGeneration>
}

export interface BackupRequest {
  /** Absolute. */
  readonly file: string
  /** With a passphrase for the backup alone; absolute. Default: the passphrase of the CA keys. */
  readonly passphraseFile?: string | undefined
}

/** A backup before it lies somewhere. */
export interface GivenBackup extends BackupContents {
  /** The passphrase that opens it lies in the state folder, of which it is the backup. */
  readonly passphraseInState: boolean
}

export type BackupMade = GivenBackup & BackupReport
