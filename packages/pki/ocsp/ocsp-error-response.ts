import { tag } from '../der/tag.ts'
import { encodeDer } from '../der/writer.ts'

/** `OCSPResponseStatus ::= ENUMERATED`, RFC 6960 §4.2.1, but for `successful`, which is 0. */
export const ocspErrorStatuses = {
  malformedRequest: 1,
  internalError: 2,
  tryLater: 3,
  sigRequired: 5,
  unauthorized: 6,
} as const

export type OcspErrorStatus = keyof typeof ocspErrorStatuses

/** @returns DER `OCSPResponse` that says only this; nobody signs it (RFC 6960 §2.3) */
export function ocspErrorResponse(status: OcspErrorStatus): Uint8Array {
  return encodeDer((der) => der.sequence(() => der.smallInteger(ocspErrorStatuses[status], tag.enumerated)))
}
