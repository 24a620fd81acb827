import type { DerReader } from '../der/reader.ts'
import { readCrlDistributionPoints } from '../extensions/crl-distribution-points.ts'
import { readCrlNumber } from '../extensions/crl-number.ts'
import { type Extension, malformed, readExtension, readValue } from '../extensions/extensions.ts'
import {
  type IssuingDistributionPoint,
  readIssuingDistributionPoint,
} from '../extensions/issuing-distribution-point.ts'
import { readAuthorityKeyIdentifier } from '../extensions/key-identifiers.ts'
import { oids } from '../oids.ts'
import { unknownCritical } from './revoked-entry.ts'

export interface CrlExtensions {
  /** Counts the lists of one issuer and scope, full and delta together. */
  readonly number: bigint
  /** The number of the full list that a delta says the changes of; undefined in a full list. */
  readonly base: bigint | undefined
  /** Undefined where the list is about every certificate of its issuer. */
  readonly scope: IssuingDistributionPoint | undefined
  readonly authorityKeyIdentifier: Uint8Array
  /** URIs where deltas to this list are found. */
  readonly freshest: readonly string[]
}

/** What is understood, and whether it is critical: RFC 5280 §5.2.1, §5.2.3 to §5.2.6. */
const criticalities: ReadonlyMap<string, boolean> = new Map([
  [oids.authorityKeyIdentifier, false],
  [oids.crlNumber, false],
  [oids.deltaCrlIndicator, true],
  [oids.issuingDistributionPoint, true],
  [oids.freshestCrl, false],
])

/**
 * `crlExtensions [0] EXPLICIT Extensions`, RFC 5280 §5.2: the number and the issuer's key identifier are in every list.
 *
 * @throws PkiError `EXTENSION_MALFORMED` with `data.extension`, `UNKNOWN_CRITICAL_EXTENSION`
 */
export function readCrlExtensions(der: DerReader): CrlExtensions {
  const values = valuesOf(der.sequenceOf(readExtension))
  const optional = <T>(name: keyof typeof oids, read: (der: DerReader) => T): T | undefined => {
    const value = values.get(oids[name])
    return value && readValue(name, value, read)
  }
  const { keyIdentifier } = optional('authorityKeyIdentifier', readAuthorityKeyIdentifier) ?? {}
  const number = optional('crlNumber', readCrlNumber)
  const base = optional('deltaCrlIndicator', readCrlNumber)
  const freshest = optional('freshestCrl', readCrlDistributionPoints)
  if (keyIdentifier === undefined)
    throw malformed('authorityKeyIdentifier', 'it has no key identifier, or is missing')
  if (number === undefined) throw malformed('crlNumber', 'it is missing')
  if (base !== undefined && freshest !== undefined) throw malformed('freshestCrl', 'it is in a delta')
  return {
    number,
    base,
    scope: optional('issuingDistributionPoint', readIssuingDistributionPoint),
    authorityKeyIdentifier: keyIdentifier,
    freshest: (freshest?.points ?? []).flatMap(({ fullName }) =>
      fullName.flatMap((name) => (name.form === 'uri' ? [name.value] : [])),
    ),
  }
}

function valuesOf(extensions: readonly Extension[]): ReadonlyMap<string, Uint8Array> {
  const values = new Map<string, Uint8Array>()
  for (const { oid, critical, value } of extensions) {
    if (values.has(oid)) throw malformed(oid, 'it appears twice (RFC 5280 §4.2)')
    const right = criticalities.get(oid)
    if (right === undefined && critical) throw unknownCritical(oid, 'the revocation list')
    if (right !== undefined && right !== critical) {
      throw malformed(oid, `it is ${critical ? '' : 'not '}critical, and must ${right ? '' : 'not '}be`)
    }
    values.set(oid, value)
  }
  return values
}
