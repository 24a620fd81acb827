import { type Certificate, parseCertificate } from '../certificate.ts'
import { type DerReader, readDer } from '../der/reader.ts'
import { constructed, tag } from '../der/tag.ts'
import { type Name, readName } from '../name.ts'
import { oids } from '../oids.ts'
import { type ReadOcspAnswer, readOcspAnswer } from './ocsp-answer.ts'
import { ocspBudget } from './ocsp-budget.ts'
import { type OcspErrorStatus, ocspErrorStatuses } from './ocsp-error-response.ts'
import { readNonce, readOcspExtensions } from './ocsp-extensions.ts'
import { checkOcspBudget, ocspMalformed } from './ocsp-malformed.ts'

/** A response that could be read. That says nothing about whether to believe it: see `checkOcspResponse`. */
export type OcspResponse = BasicOcspResponse | { readonly status: OcspErrorStatus }

/** `byKey`: SHA-1 of the responder's key, 20 octets. */
export type ResponderId =
  | { readonly form: 'byName'; readonly name: Name }
  | { readonly form: 'byKey'; readonly keyHash: Uint8Array }

export interface OcspResponseData {
  readonly responderId: ResponderId
  /** When it was signed; milliseconds since the epoch. */
  readonly producedAt: number
  /** At least one. */
  readonly answers: readonly ReadOcspAnswer[]
  readonly nonce: Uint8Array | undefined
  /** Whether `revoked` is also its answer about certificates that were never issued (RFC 6960 §4.4.8). */
  readonly extendedRevoke: boolean
}

export interface BasicOcspResponse extends OcspResponseData {
  readonly status: 'successful'
  readonly der: Uint8Array
  /** The octets that are signed. */
  readonly tbs: Uint8Array
  /** DER `AlgorithmIdentifier`. */
  readonly signatureAlgorithm: Uint8Array
  readonly signature: Uint8Array
  /** Certificates that came along, the responder's among them unless that is the CA itself. */
  readonly certificates: readonly Certificate[]
}

/**
 * ```
 * OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED, responseBytes [0] EXPLICIT ResponseBytes OPTIONAL }
 * ```
 * RFC 6960 §4.2.1: the bytes are there just when the status is `successful`.
 *
 * @param der at most 64 KiB, 100 answers, 10 certificates
 * @throws PkiError `DER_INVALID`, `DER_BUDGET_EXCEEDED`, `OCSP_MALFORMED`, `OCSP_HASH_UNSUPPORTED`,
 *   `UNKNOWN_CRITICAL_EXTENSION`, `CERTIFICATE_MALFORMED`, `EXTENSION_MALFORMED`
 */
export function parseOcspResponse(der: Uint8Array): OcspResponse {
  const own = new Uint8Array(der)
  return readDer(own, (reader) =>
    reader.sequence((response) => {
      const code = response.smallInteger(tag.enumerated)
      if (code === 0) return { status: 'successful', der: own, ...response.inside(constructed(0), readBytes) }
      const status = errorStatuses.get(code)
      if (status !== undefined) return { status }
      throw ocspMalformed(`${code} is no status of a response`, {
        found: code,
        allowed: [0, ...errorStatuses.keys()],
      })
    }),
  )
}

const errorStatuses: ReadonlyMap<number, OcspErrorStatus> = new Map(
  Object.entries(ocspErrorStatuses).map(([status, code]) => [code, status as OcspErrorStatus]),
)

type ReadBasic = Omit<BasicOcspResponse, 'status' | 'der'>

/** `ResponseBytes ::= SEQUENCE { responseType OBJECT IDENTIFIER, response OCTET STRING }`. */
function readBytes(der: DerReader): ReadBasic {
  return der.sequence((bytes) => {
    const type = bytes.oid()
    if (type !== oids.ocspBasicResponse)
      throw ocspMalformed(`it is a response of type ${type}`, {
        found: type,
        allowed: oids.ocspBasicResponse,
      })
    return readDer(bytes.octetString(), readBasic)
  })
}

/**
 * ```
 * BasicOCSPResponse ::= SEQUENCE {
 *   tbsResponseData ResponseData, signatureAlgorithm AlgorithmIdentifier, signature BIT STRING,
 *   certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
 * ```
 */
function readBasic(der: DerReader): ReadBasic {
  return der.sequence((basic) => {
    const { value, encoded } = basic.kept(readResponseData)
    const signatureAlgorithm = basic.encoded(tag.sequence)
    const signature = basic.octetsInBitString()
    const certificates =
      basic.optional(0, (certs) => certs.sequenceOf((each) => each.encoded(tag.sequence))) ?? []
    checkOcspBudget('certificates', certificates.length, ocspBudget.certificates)
    return {
      ...value,
      tbs: encoded,
      signatureAlgorithm,
      signature,
      certificates: certificates.map(parseCertificate),
    }
  })
}

/**
 * ```
 * ResponseData ::= SEQUENCE {
 *   version [0] EXPLICIT INTEGER DEFAULT v1(0), responderID ResponderID, producedAt GeneralizedTime,
 *   responses SEQUENCE OF SingleResponse, responseExtensions [1] EXPLICIT Extensions OPTIONAL }
 * ```
 * v1 is the only version, and so none is ever written: [0] falls to "found tag".
 */
function readResponseData(der: DerReader): OcspResponseData {
  return der.sequence((data) => {
    const responderId = readResponderId(data)
    const producedAt = data.generalizedTime()
    const answers = data.sequenceOf(readOcspAnswer)
    if (answers.length === 0) throw ocspMalformed('it answers nothing')
    checkOcspBudget('answers', answers.length, ocspBudget.answers)
    const extensions = data.optional(1, (list) => readOcspExtensions(list, understood))
    const extendedRevoke = extensions?.get(oids.ocspExtendedRevoke)
    if (extendedRevoke !== undefined) readDer(extendedRevoke, (value) => value.null())
    return {
      responderId,
      producedAt,
      answers,
      nonce: readNonce(extensions),
      extendedRevoke: extendedRevoke !== undefined,
    }
  })
}

const understood: readonly string[] = [oids.ocspNonce, oids.ocspExtendedRevoke]

/** `ResponderID ::= CHOICE { byName [1] EXPLICIT Name, byKey [2] EXPLICIT OCTET STRING }`. */
function readResponderId(der: DerReader): ResponderId {
  const name = der.optional(1, readName)
  if (name !== undefined) return { form: 'byName', name }
  const keyHash = der.inside(constructed(2), (key) => key.octetString())
  if (keyHash.length === 20) return { form: 'byKey', keyHash }
  throw ocspMalformed(`its responder is named by a key hash of ${keyHash.length} octets`, {
    found: keyHash.length,
    allowed: 20,
  })
}
