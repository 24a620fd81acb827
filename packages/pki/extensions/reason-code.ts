import type { DerReader } from '../der/reader.ts'
import { tag } from '../der/tag.ts'
import type { DerWriter } from '../der/writer.ts'

/** RFC 5280 §5.3.1. Seven is not used. */
const codes = {
  unspecified: 0,
  keyCompromise: 1,
  caCompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const

/** Why a certificate is on a list. `unspecified` is what an entry without a reason says. */
export type RevocationReason = keyof typeof codes

/** `CRLReason ::= ENUMERATED`, RFC 5280 §5.3.1. */
export function readReasonCode(der: DerReader): RevocationReason {
  const code = der.smallInteger(tag.enumerated)
  return reasonOf(code) ?? der.fail(`the reason code ${code} means nothing`)
}

export function writeReasonCode(der: DerWriter, reason: RevocationReason): void {
  der.smallInteger(codes[reason], tag.enumerated)
}

/** The reason of a code, or undefined where the code means nothing. */
export function reasonOf(code: number): RevocationReason | undefined {
  return reasons.get(code)
}

const reasons: ReadonlyMap<number, RevocationReason> = new Map(
  (Object.entries(codes) as [RevocationReason, number][]).map(([reason, code]) => [code, reason]),
)
