import type { DerReader } from '../der/reader.ts'
import { tag } from '../der/tag.ts'
import type { DerWriter } from '../der/writer.ts'

export interface BasicConstraints {
  readonly ca: boolean
  /** How many intermediates that are not self-issued may follow this one. */
  readonly pathLength: number | undefined
}

/**
 * `BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER (0..MAX) OPTIONAL }`,
 * RFC 5280 §4.2.1.9.
 */
export function readBasicConstraints(der: DerReader): BasicConstraints {
  return der.sequence((constraints) => ({
    ca: constraints.booleanDefaultFalse(),
    pathLength: constraints.next(tag.integer) ? constraints.smallInteger() : undefined,
  }))
}

export function writeBasicConstraints(der: DerWriter, { ca, pathLength }: BasicConstraints): void {
  der.sequence(() => {
    if (ca) der.booleanTrue()
    if (pathLength !== undefined) der.smallInteger(pathLength)
  })
}
