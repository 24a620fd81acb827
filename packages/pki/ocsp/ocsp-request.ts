import { type DerReader, readDer } from '../der/reader.ts'
import { tag } from '../der/tag.ts'
import { encodeDer } from '../der/writer.ts'
import { readGeneralName } from '../extensions/general-name.ts'
import { oids } from '../oids.ts'
import { type CertId, readCertId } from './cert-id.ts'
import { ocspBudget } from './ocsp-budget.ts'
import {
  nonceOctets,
  type OcspExtensions,
  readNonce,
  readOcspExtensions,
  writeNonce,
} from './ocsp-extensions.ts'
import { checkOcspBudget, ocspMalformed } from './ocsp-malformed.ts'

/** A question that could be read; whoever asked is not known. */
export interface OcspRequest {
  /** At least one. RFC 9919 §3.1.1 wants exactly one; a responder may refuse more. */
  readonly certIds: readonly CertId[]
  /** 1 to 128 octets, to be repeated in the response. A responder may ignore those under 16 and over 32 (RFC 9654 §2.1). */
  readonly nonce: Uint8Array | undefined
}

/**
 * ```
 * OCSPRequest ::= SEQUENCE { tbsRequest, optionalSignature [0] EXPLICIT Signature OPTIONAL }
 * ```
 * RFC 6960 §4.1.1. A signature must be well-formed, and is ignored (RFC 9919 §3.1.2).
 *
 * @param der at most 16 KiB, at most 100 requests
 * @throws PkiError `DER_INVALID`, `DER_BUDGET_EXCEEDED`, `OCSP_MALFORMED`, `UNKNOWN_CRITICAL_EXTENSION`, for which the
 *   answer is `malformedRequest`; `OCSP_HASH_UNSUPPORTED`, for which it is `unauthorized`
 */
export function parseOcspRequest(der: Uint8Array): OcspRequest {
  return readDer(
    new Uint8Array(der),
    (reader) =>
      reader.sequence((request) => {
        const { requestorNamed, ...asked } = request.sequence(readTbs)
        const signed = request.optional(0, readSignature) !== undefined
        // §4.1.2; an unsigned request may name its requestor, to no effect.
        if (signed && !requestorNamed) throw ocspMalformed('it is signed, and does not say by whom')
        return asked
      }),
    ocspBudget.requestBytes,
  )
}

export interface OcspQuestion {
  readonly certId: CertId
  /** 32 to 128 random octets (RFC 9654 §2.1). Without, the response may come from a cache. */
  readonly nonce?: Uint8Array | undefined
}

/**
 * @returns DER `OCSPRequest`, unsigned, about one certificate
 * @throws TypeError for a nonce of a length that no client may send
 */
export function encodeOcspRequest({ certId, nonce }: OcspQuestion): Uint8Array {
  const { leastSent, most } = nonceOctets
  if (nonce !== undefined && (nonce.length < leastSent || nonce.length > most)) {
    throw new TypeError(
      `a nonce of ${nonce.length} octets was given; clients send ${leastSent} to ${most} (RFC 9654 §2.1)`,
    )
  }
  return encodeDer((der) =>
    der.sequence(() =>
      der.sequence(() => {
        der.sequence(() => der.sequence(() => der.raw(certId.der)))
        if (nonce !== undefined) der.explicit(2, () => der.sequence(() => writeNonce(der, nonce)))
      }),
    ),
  )
}

/**
 * ```
 * TBSRequest ::= SEQUENCE {
 *   version [0] EXPLICIT INTEGER DEFAULT v1(0), requestorName [1] EXPLICIT GeneralName OPTIONAL,
 *   requestList SEQUENCE OF Request, requestExtensions [2] EXPLICIT Extensions OPTIONAL }
 * ```
 * v1 is the only version, and so none is ever written: [0] falls to "found tag".
 */
function readTbs(der: DerReader): OcspRequest & { readonly requestorNamed: boolean } {
  const requestorNamed = der.optional(1, readGeneralName) !== undefined
  const certIds = der.sequenceOf(readRequest)
  if (certIds.length === 0) throw ocspMalformed('it asks about no certificate')
  checkOcspBudget('requests', certIds.length, ocspBudget.requests)
  return { requestorNamed, certIds, nonce: readNonce(der.optional(2, readExtensions)) }
}

/** `Request ::= SEQUENCE { reqCert CertID, singleRequestExtensions [0] EXPLICIT Extensions OPTIONAL }`. */
function readRequest(der: DerReader): CertId {
  return der.sequence((request) => {
    const certId = readCertId(request)
    request.optional(0, (extensions) => readOcspExtensions(extensions, []))
    return certId
  })
}

function readExtensions(der: DerReader): OcspExtensions {
  return readOcspExtensions(der, [oids.ocspNonce])
}

/**
 * ```
 * Signature ::= SEQUENCE {
 *   signatureAlgorithm AlgorithmIdentifier, signature BIT STRING,
 *   certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
 * ```
 */
function readSignature(der: DerReader): Uint8Array {
  return der.sequence((signature) => {
    signature.content(tag.sequence)
    const octets = signature.octetsInBitString()
    signature.optional(0, (certificates) => certificates.sequenceOf((each) => each.content(tag.sequence)))
    return octets
  })
}
