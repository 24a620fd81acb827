import type { DerReader } from '../der/reader.ts'
import { constructed, primitive } from '../der/tag.ts'
import type { DerWriter } from '../der/writer.ts'
import { type GeneralName, readGeneralName, writeUri } from './general-name.ts'

export interface DistributionPoint {
  /** Names of the place; empty when it is named relative to its issuer, which is not followed. */
  readonly fullName: readonly GeneralName[]
}

export interface CrlDistributionPoints {
  readonly points: readonly DistributionPoint[]
}

/**
 * ```
 * CRLDistributionPoints ::= SEQUENCE SIZE (1..MAX) OF DistributionPoint
 * DistributionPoint ::= SEQUENCE {
 *   distributionPoint [0] CHOICE { fullName [0] GeneralNames, nameRelativeToCRLIssuer [1] } OPTIONAL,
 *   reasons [1] BIT STRING OPTIONAL, cRLIssuer [2] GeneralNames OPTIONAL }
 * ```
 * RFC 5280 §4.2.1.13: a point is never made of `reasons` alone.
 */
export function readCrlDistributionPoints(der: DerReader): CrlDistributionPoints {
  const points = der.sequence((list) => list.each((each) => each.sequence(readPoint)))
  if (points.length === 0) der.fail('a list of CRL distribution points is empty')
  return { points }
}

/** One point with one name. `freshestCRL` has the same syntax (RFC 5280 §4.2.1.15). */
export function writeCrlDistributionPoint(der: DerWriter, uri: string): void {
  der.sequence(() =>
    der.sequence(() => der.explicit(0, () => der.inside(constructed(0), () => writeUri(der, uri)))),
  )
}

function readPoint(der: DerReader): DistributionPoint {
  const fullName = der.optional(0, readPointName)
  if (der.next(primitive(1))) der.content(primitive(1))
  const issuer = der.next(constructed(2)) ? der.content(constructed(2)) : undefined
  if (fullName === undefined && issuer === undefined) der.fail('a CRL distribution point names no place')
  return { fullName: fullName ?? [] }
}

function readPointName(der: DerReader): GeneralName[] {
  if (!der.next(constructed(1))) return der.inside(constructed(0), (names) => names.each(readGeneralName))
  der.content(constructed(1))
  return []
}
