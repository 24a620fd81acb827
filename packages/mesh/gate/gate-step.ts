import type { Refused } from '../refusal.ts'

/** One rule of the gate: the handshake asks whether it is kept, `mtls why` besides what it was found to be kept by. */
export interface GateStep<Subject> {
  /** As `mtls why` and `mtls verify` call it. */
  readonly name: string
  /**
   * @returns the refusal that this rule would be, were it enforced and not only reported
   * @throws Refused
   */
  readonly check: (subject: Subject) => Refused | undefined
  /** What was found, where the rule is kept. */
  readonly evidence: (subject: Subject) => string
}
