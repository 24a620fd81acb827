import type { DerReader } from '../der/reader.ts'
import type { DerWriter } from '../der/writer.ts'

/** The TLS extension `status_request` (RFC 6066 §8): a certificate with this feature must be served with a staple. */
export const statusRequest = 5

export interface TlsFeature {
  /** Numbers of TLS extensions that a server with this certificate must support, in the order of the certificate. */
  readonly features: readonly number[]
}

/** `Features ::= SEQUENCE OF INTEGER`, RFC 7633 §4; TLS numbers its extensions from 0 to 65535 (RFC 9846 §4.3). */
export function readTlsFeature(der: DerReader): TlsFeature {
  const features = der.sequenceOf((each) => each.smallInteger())
  const wrong = features.find((feature) => feature > 0xffff)
  if (wrong !== undefined) der.fail(`${wrong} is no number of a TLS extension`)
  return { features }
}

export function writeTlsFeature(der: DerWriter, features: readonly number[]): void {
  der.sequence(() => {
    for (const feature of features) der.smallInteger(feature)
  })
}
