import type { Certificate } from '@datapunk/pki'
import { leastOf, leastOfBundle } from '@datapunk/protocol'
import type { Current } from './gate/current.ts'
import type { Gate } from './gate/gate.ts'
import type { Condition } from './mesh-events.ts'

export interface ConditionOptions {
  /** As a fraction of a certificate's life, by the config file. */
  readonly renewAt: number
  /** Whether the authority hears this service now. */
  readonly heard: boolean
}

export function conditionOf(
  { identity, view }: Current,
  gate: Gate,
  { renewAt, heard }: ConditionOptions,
): Condition {
  const fault = gate.selfFault()
  const { number, issuedAt, expiresAt } = view.bundle.head
  return {
    fault: fault && { rule: fault.rule, message: `${fault.message}: ${fault.fix}` },
    certificateEnds: identity.notAfter,
    issuingCaEnds: soonestEnd(view.trust.issuingCas),
    rootEnds: soonestEnd(view.trust.roots),
    bundle: { number, issuedAt, expiresAt },
    expectedBudget: Math.min(
      leastOf({ begins: identity.leaf.notBefore, ends: identity.notAfter }, renewAt),
      leastOfBundle({ begins: issuedAt, ends: expiresAt }),
    ),
    heard,
  }
}

function soonestEnd(certificates: readonly Certificate[]): number {
  return Math.min(...certificates.map(({ notAfter }) => notAfter))
}
