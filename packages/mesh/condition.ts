import type { Certificate } from '@datapunk/pki'
import type { Current } from './current.ts'
import type { Gate } from './gate/gate.ts'
import type { Condition } from './mesh-events.ts'

/** @param heard whether the authority hears this service now */
export function conditionOf({ identity, view }: Current, gate: Gate, heard: boolean): Condition {
  const fault = gate.selfFault()
  const { number, issuedAt, expiresAt } = view.bundle.head
  return {
    fault: fault && { rule: fault.rule, message: `${fault.message}: ${fault.fix}` },
    certificateEnds: identity.notAfter,
    issuingCaEnds: soonestEnd(view.trust.issuingCas),
    rootEnds: soonestEnd(view.trust.roots),
    bundle: { number, issuedAt, expiresAt },
    heard,
  }
}

function soonestEnd(certificates: readonly Certificate[]): number {
  return Math.min(...certificates.map(({ notAfter }) => notAfter))
}
