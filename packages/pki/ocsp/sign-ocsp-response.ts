import type { Certificate } from '../certificate.ts'
import { tag } from '../der/tag.ts'
import { type DerWriter, encodeDer } from '../der/writer.ts'
import { keyAlgorithms } from '../keys/key-algorithm.ts'
import type { Signer } from '../keys/signer.ts'
import { equalOctets } from '../octets.ts'
import { oids } from '../oids.ts'
import { PkiError } from '../pki-error.ts'
import { ocspKeyHash } from './cert-id.ts'
import { type OcspAnswer, writeOcspAnswer } from './ocsp-answer.ts'
import { extendedRevokeExtension, writeNonce } from './ocsp-extensions.ts'

/** What is to be said. Times in milliseconds since the epoch; fractions of a second are dropped (RFC 9919 §3.2.4). */
export interface OcspResponseRequest {
  /** The delegate's certificate, which goes along; `ocspSignerCertificate` makes such. */
  readonly responder: Certificate
  readonly producedAt: number
  /** At least one; two where old clients ask, one in SHA-1 and one in SHA-256 (RFC 9919 §3.2.1). */
  readonly answers: readonly OcspAnswer[]
  /** Of the request (RFC 9654 §2.1). A response with a nonce is for nobody else, and not for caches. */
  readonly nonce?: Uint8Array | undefined
  /** Says that `revoked` is also the answer about certificates that were never issued (RFC 6960 §2.2, §4.4.8). */
  readonly extendedRevoke?: boolean | undefined
}

/**
 * A signed response, whose responder is named by its key (RFC 9919 §3.2.2).
 *
 * @returns DER `OCSPResponse`
 * @throws PkiError `SIGNER_MISMATCH` when the signer holds another key than the responder's; RangeError for times before
 *   1950 or after 9999; TypeError without answers, and for a next update before this one
 */
export async function signOcspResponse(request: OcspResponseRequest, signer: Signer): Promise<Uint8Array> {
  const { responder } = request
  checkAnswers(request.answers)
  if (!equalOctets(signer.spki, responder.spki)) {
    throw new PkiError(
      'SIGNER_MISMATCH',
      `the signer's key is not the key of the OCSP responder, ${responder.subject}`,
    )
  }
  const fixed = fixedPartsOf(responder, signer)
  const tbs = encodeDer((der) => writeResponseData(der, request, fixed))
  return encodeResponse(tbs, await signer.sign(tbs), fixed)
}

/** What is the same in every response of a responder. */
interface FixedParts {
  /** `byKey [2] EXPLICIT OCTET STRING`. */
  readonly responderId: Uint8Array
  /** DER `AlgorithmIdentifier`. */
  readonly signatureIdentifier: Uint8Array
  /** `certs [0] EXPLICIT SEQUENCE OF Certificate`: the responder's. */
  readonly certificates: Uint8Array
}

function fixedPartsOf(responder: Certificate, { algorithm }: Signer): FixedParts {
  const kept = keptParts.get(responder)
  if (kept !== undefined) return kept
  const made = {
    responderId: encodeDer((der) => der.explicit(2, () => der.octetString(ocspKeyHash(responder)))),
    signatureIdentifier: keyAlgorithms[algorithm].signatureIdentifier,
    certificates: encodeDer((der) => der.explicit(0, () => der.sequence(() => der.raw(responder.der)))),
  }
  keptParts.set(responder, made)
  return made
}

const keptParts = new WeakMap<Certificate, FixedParts>()

/**
 * ```
 * ResponseData ::= SEQUENCE {
 *   version [0] EXPLICIT INTEGER DEFAULT v1(0), responderID ResponderID, producedAt GeneralizedTime,
 *   responses SEQUENCE OF SingleResponse, responseExtensions [1] EXPLICIT Extensions OPTIONAL }
 * ```
 */
function writeResponseData(der: DerWriter, request: OcspResponseRequest, { responderId }: FixedParts): void {
  const { producedAt, answers, nonce, extendedRevoke } = request
  der.sequence(() => {
    der.raw(responderId)
    der.generalizedTime(producedAt)
    der.sequence(() => {
      for (const answer of answers) writeOcspAnswer(der, answer)
    })
    if (nonce === undefined && !extendedRevoke) return
    der.explicit(1, () =>
      der.sequence(() => {
        if (nonce !== undefined) writeNonce(der, nonce)
        if (extendedRevoke) der.raw(extendedRevokeExtension)
      }),
    )
  })
}

/**
 * ```
 * OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED, responseBytes [0] EXPLICIT ResponseBytes OPTIONAL }
 * ResponseBytes ::= SEQUENCE { responseType OBJECT IDENTIFIER, response OCTET STRING }
 * BasicOCSPResponse ::= SEQUENCE {
 *   tbsResponseData ResponseData, signatureAlgorithm AlgorithmIdentifier, signature BIT STRING,
 *   certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
 * ```
 */
function encodeResponse(
  tbs: Uint8Array,
  signature: Uint8Array,
  { signatureIdentifier, certificates }: FixedParts,
): Uint8Array {
  return encodeDer((der) =>
    der.sequence(() => {
      der.smallInteger(0, tag.enumerated)
      der.explicit(0, () =>
        der.sequence(() => {
          der.oid(oids.ocspBasicResponse)
          der.octetStringOf(() =>
            der.sequence(() => {
              der.raw(tbs)
              der.raw(signatureIdentifier)
              der.octetsInBitString(signature)
              der.raw(certificates)
            }),
          )
        }),
      )
    }),
  )
}

function checkAnswers(answers: readonly OcspAnswer[]): void {
  if (answers.length === 0) throw new TypeError('a response without answers answers nothing')
  if (answers.some(({ thisUpdate, nextUpdate }) => !(thisUpdate <= nextUpdate)))
    throw new TypeError('the next update of an answer comes before this one')
}
