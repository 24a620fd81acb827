import type { z } from 'zod'
import type { ApplyReport } from '../applying/apply.ts'
import type { NextGeneration } from '../events/next-generation.ts'
import type { IssuedOperator } from '../issuing/issue-operator.ts'
import type { IssuedChain } from '../issuing/issue-pair.ts'
import type { LiveService } from '../peers/live-service.ts'
import type { Action, Plan } from '../planning/plan.ts'
import type { ProbePairs } from '../probe/prepare-probe.ts'
import type { RefusedCallersAnswer } from '../probe/refused-callers.ts'
import type { SuspendedPins } from '../publishing/suspend-pins.ts'
import type { Enforcement } from '../revocation/enforcement.ts'
import type { RevokePreview } from '../revocation/preview.ts'
import type { RevokeReport } from '../revocation/revoke.ts'
import type { RotatePreview, RotateReport } from '../rotation/rotate.ts'
import type { Status } from '../status/status.ts'
import type { adminRequests } from './admin-requests.ts'

/** Says who asks; nobody can prove it here. */
export const ASKER = 'mtls-asker'

/** What each call takes, as JSON. */
export type Takes = { readonly [Name in keyof typeof adminRequests]: z.infer<(typeof adminRequests)[Name]> }

/** What each call gives, as JSON. */
export interface Gives {
  plan: Plan
  apply: WireReport
  issue: IssuedChain
  'issue-for-csr': IssuedChain
  'issue-operator': IssuedOperator
  rotate: RotateReport
  'preview-rotation': RotatePreview
  revoke: RevokeReport
  'preview-revocation': RevokePreview
  enforcement: Enforcement
  'suspend-pins': SuspendedPins
  'prepare-probe': ProbePairs
  'refused-callers': RefusedCallersAnswer
  ping: true
  purge: readonly string[]
  status: Status
  'live-service': LiveService
  'console-link': ConsoleLink
  'record-backup': null
  'continue-from-here': NextGeneration
}

type WireReport = Omit<ApplyReport, 'failed'> & { failed: { action: Action; message: string }[] }

export type ConsoleLinkRequest = Takes['console-link']

/** Lets one browser in, once; or says where operators come in. */
export interface ConsoleLink {
  readonly url: string
  /** Milliseconds since the epoch; null: it is an address alone, and who comes shows an operator’s certificate. */
  readonly endsAt: number | null
}
