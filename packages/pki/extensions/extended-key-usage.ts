import type { DerReader } from '../der/reader.ts'
import type { DerWriter } from '../der/writer.ts'

export interface ExtendedKeyUsage {
  /** Dotted object identifiers, in the order of the certificate. */
  readonly purposes: readonly string[]
}

/** `ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF KeyPurposeId`, RFC 5280 §4.2.1.12. */
export function readExtendedKeyUsage(der: DerReader): ExtendedKeyUsage {
  const purposes = der.sequenceOf((each) => each.oid())
  if (purposes.length === 0) der.fail('an extended key usage lists no purpose')
  return { purposes }
}

export function writeExtendedKeyUsage(der: DerWriter, purposes: readonly string[]): void {
  der.sequence(() => {
    for (const purpose of purposes) der.oid(purpose)
  })
}
