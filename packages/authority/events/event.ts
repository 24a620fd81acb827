import type { Strictness } from '@datapunk/protocol'
import type { RefusedPairKind } from '../services/refused-pair-kinds.ts'
import type { RevocationReason } from '../store/rows.ts'
import type { NextGeneration } from './next-generation.ts'

export const authorityEventKinds = [
  'mesh-created',
  'root-created',
  'issuing-ca-created',
  'key-activated',
  'key-retired',
  'key-compromised',
  'trust-statement-published',
  'bundle-published',
  'service-added',
  'service-changed',
  'service-removed',
  'certificate-issued',
  'certificate-revoked',
  'service-barred',
  'list-published',
  'service-let-in',
  'issue-failed',
  'files-purged',
  'pinning-changed',
  'pins-suspended',
  'pins-resumed',
  'bundle-enforced',
  'outage-budget',
  'clock-jumped',
  'halted',
  'backed-up',
  'restored',
  'peer-refused',
  'reloaded',
  'reload-failed',
  'rotation-held',
  'rotation-resumed',
  'log-alarm',
  'log-unavailable',
  'transparency-changed',
  'status-served',
  'status-failed',
  'store-failed',
  'socket-renewed',
  'socket-failed',
  'metrics-served',
  'metrics-failed',
  'console-served',
  'console-failed',
  'console-sessions-failed',
  'operator-refused',
] as const

export type AuthorityEventKind = (typeof authorityEventKinds)[number]

type Nothing = Readonly<Record<string, never>>

type OfCa = { readonly slot: string; readonly serial: string; readonly notAfter: string }

type Failure = { readonly error: string }

type Refusal = {
  readonly code: string
  readonly error: string
  readonly serial?: string | undefined
  /** `address:port`. */
  readonly remote?: string | undefined
}

/** What is told of each kind of event. Times are RFC 3339, serials lowercase hex, numbers of documents `GENERATION.COUNTER`. */
export interface AuthorityEventDetails {
  'mesh-created': { readonly meshId: string; readonly trustDomain: string }
  'root-created': OfCa
  'issuing-ca-created': OfCa
  'key-activated': { readonly slot: string }
  'key-retired': { readonly slot: string; readonly reason?: string }
  'key-compromised': { readonly slot: string }
  'trust-statement-published': { readonly number: string }
  'bundle-published': { readonly number: string }
  /** `after`, milliseconds: from when it was signed until the last live peer enforced it. */
  'bundle-enforced': { readonly number: string; readonly peers: number; readonly after: number }
  'service-added': { readonly reason: string }
  'service-changed': { readonly reason: string }
  'service-removed': { readonly reason: string }
  'service-barred': { readonly reason: RevocationReason }
  'service-let-in': Nothing
  'certificate-issued': {
    readonly serial: string
    readonly notAfter: string
    /** Absent, and operator too: a certificate of the authority itself. */
    readonly instance?: string
    readonly operator?: string
    /** Of an OCSP signer: its issuing CA. */
    readonly slot?: string
    /** Of the probe: what it is shown as. */
    readonly toBe?: RefusedPairKind
  }
  'certificate-revoked': { readonly serial: string; readonly reason: RevocationReason }
  'list-published': { readonly slot: string; readonly entries: number; readonly notAfter: string }
  'issue-failed': Failure & {
    readonly instance?: string
    readonly slot?: string
    readonly nextTryAt?: string
  }
  'files-purged': { readonly dir: string }
  'pinning-changed': { readonly from: Strictness; readonly to: Strictness }
  'pins-suspended': { readonly until: string }
  'pins-resumed': Nothing
  'outage-budget': { readonly endedBy: string; readonly until: string }
  /** `by`, milliseconds; above zero after a sleep. */
  'clock-jumped': { readonly by: number; readonly message: string }
  halted: { readonly evidence: string }
  'backed-up': { readonly file: string; readonly size: number }
  /** `madeAt`: the backup; absent where there was none, and the authority goes on with what it has. */
  restored: Pick<NextGeneration, keyof NextGeneration> & { readonly madeAt?: string }
  'peer-refused': Refusal & { readonly instance?: string | undefined }
  reloaded: { readonly instance: string; readonly serial: string }
  'reload-failed': Failure & { readonly instance: string; readonly nextTryAt: string }
  'rotation-held': { readonly instance: string; readonly serial: string }
  'rotation-resumed': { readonly instance: string }
  'log-alarm': {
    readonly message: string
    readonly log?: string
    readonly leafIndex?: number | undefined
    readonly serial?: string | undefined
    readonly instance?: string
    readonly rule?: string
    readonly size?: number
    /** SHA-256, lowercase hex. */
    readonly root?: string
    /** What the log has signed, and for what, base64. */
    readonly sct?: string
    readonly precertificate?: string
  }
  'log-unavailable': Failure
  'transparency-changed': { readonly scts: Strictness }
  'status-served': { readonly address: string }
  'status-failed': Failure
  'store-failed': Failure
  /** One that somebody had removed. */
  'socket-renewed': { readonly path: string }
  'socket-failed': Failure & { readonly path: string }
  'metrics-served': { readonly address: string }
  'metrics-failed': Failure
  'console-served': { readonly url: string }
  'console-failed': Failure
  'console-sessions-failed': Failure
  'operator-refused': Refusal
}

/** One kind of event, or one of several, with what is told of it. */
export type Happening<Kind extends AuthorityEventKind> = {
  [Each in Kind]: { readonly kind: Each; readonly detail: AuthorityEventDetails[Each] }
}[Kind]

/** What the authority has done, or has met with. */
export type AuthorityEvent = Happening<AuthorityEventKind> & {
  /** The service, `mesh`, or `authority`. */
  readonly subject: string
  /** Milliseconds since the epoch. */
  readonly at: number
}
