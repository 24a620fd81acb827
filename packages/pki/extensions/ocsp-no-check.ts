import type { DerReader } from '../der/reader.ts'
import type { DerWriter } from '../der/writer.ts'

/** It says nothing beyond being there: nobody is to ask whether this responder's certificate is revoked. */
export type OcspNoCheck = Readonly<Record<never, never>>

/** `id-pkix-ocsp-nocheck`, whose value is NULL: RFC 6960 §4.2.2.2.1. */
export function readOcspNoCheck(der: DerReader): OcspNoCheck {
  der.null()
  return {}
}

export function writeOcspNoCheck(der: DerWriter): void {
  der.null()
}
