import type { DerReader } from '../der/reader.ts'
import type { DerWriter } from '../der/writer.ts'

/** It says nothing beyond being there: this is a precertificate, which no peer accepts. */
export type PrecertificatePoison = Readonly<Record<never, never>>

/** The poison, whose value is NULL: RFC 6962 §3.1. */
export function readPrecertificatePoison(der: DerReader): PrecertificatePoison {
  der.null()
  return {}
}

export function writePrecertificatePoison(der: DerWriter): void {
  der.null()
}
