import { type Signer, sha256, verifySignature } from '@datapunk/pki'
import { z } from 'zod'
import { ProtocolError } from './error.ts'

/**
 * A signed document: what the authority says, in bytes that anyone can check and nobody can take for something else.
 *
 * JSON `{ type, payload, signatures: [{ keyId, signature }] }`, payload and signature in base64, keyId the SHA-256 of the
 * signer's SubjectPublicKeyInfo in lowercase hex. What is signed is not the JSON but the pre-authentication encoding
 *
 *     PAE = "datapunk-mtls-v1" SP LEN(type) SP type SP LEN(payload) SP payload      (LEN in bytes, decimal)
 *
 * as in DSSE, so that a signature made for one type can't be shown as one for another, and nothing is re-encoded in order
 * to be checked.
 */
export interface SealedDocument {
  readonly type: string
  readonly payload: Uint8Array
  readonly signatures: readonly { readonly keyId: string; readonly signature: Uint8Array }[]
}

/** Roots of two generations and the keys beside them sign one document at most: 16 leaves room and stops a flood. */
const MAX_SIGNATURES = 16

const base64 = z.string().regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/)

const wire = z.strictObject({
  type: z.string().min(1).max(100),
  payload: base64,
  signatures: z
    .array(z.strictObject({ keyId: z.string().regex(/^[0-9a-f]{64}$/), signature: base64.min(1) }))
    .min(1)
    .max(MAX_SIGNATURES),
})

/**
 * Signs a document.
 *
 * @param type what the payload is, with its version, as in `trust-statement/v1`
 * @param payload the bytes to be signed, kept as they are
 * @returns the document as UTF-8 JSON
 */
export async function seal(
  type: string,
  payload: Uint8Array,
  signers: readonly Signer[],
): Promise<Uint8Array> {
  const message = preAuthenticationEncoding(type, payload)
  const signatures = await Promise.all(
    signers.map(async (signer) => ({
      keyId: keyIdOf(signer.spki),
      signature: Buffer.from(await signer.sign(message)).toString('base64'),
    })),
  )
  return Buffer.from(
    `${JSON.stringify({ type, payload: Buffer.from(payload).toString('base64'), signatures })}\n`,
  )
}

/**
 * Reads a document without believing it: who signed it is for `isSignedBy` to say.
 *
 * @param maxBytes the largest document of this type
 * @throws ProtocolError `DOCUMENT_INVALID`
 */
export function parseSealed(bytes: Uint8Array, type: string, maxBytes: number): SealedDocument {
  const parsed = wire.safeParse(parseJson(bytes, type, maxBytes))
  if (!parsed.success) throw invalid(type, 'is not a signed document', parsed.error)
  if (parsed.data.type !== type) throw invalid(type, `says it is a ${JSON.stringify(parsed.data.type)}`)
  return {
    type,
    payload: Buffer.from(parsed.data.payload, 'base64'),
    signatures: parsed.data.signatures.map(({ keyId, signature }) => ({
      keyId,
      signature: Buffer.from(signature, 'base64'),
    })),
  }
}

/** Whether the document carries a good signature by this key (DER SubjectPublicKeyInfo). */
export function isSignedBy(document: SealedDocument, spki: Uint8Array): boolean {
  const keyId = keyIdOf(spki)
  const checked = checkedSignatures.get(document) ?? new Map<string, boolean>()
  const known = checked.get(keyId)
  if (known !== undefined) return known
  const signed = isSigned(document, keyId, spki)
  checkedSignatures.set(document, checked.set(keyId, signed))
  return signed
}

/** What was checked once is known for as long as the document is held; a signature doesn't grow old. */
const checkedSignatures = new WeakMap<SealedDocument, Map<string, boolean>>()

function isSigned(document: SealedDocument, keyId: string, spki: Uint8Array): boolean {
  const message = preAuthenticationEncoding(document.type, document.payload)
  return document.signatures.some(
    (entry) => entry.keyId === keyId && verifySignature({ spki, message, signature: entry.signature }),
  )
}

/** SHA-256 of a DER SubjectPublicKeyInfo, lowercase hex. */
export function keyIdOf(spki: Uint8Array): string {
  return Buffer.from(sha256(spki)).toString('hex')
}

/**
 * Parses the payload of a document against its schema.
 *
 * @throws ProtocolError `DOCUMENT_INVALID`
 */
export function parsePayload<Schema extends z.ZodType>(
  payload: Uint8Array,
  schema: Schema,
  type: string,
  maxBytes: number,
): z.output<Schema> {
  const parsed = schema.safeParse(parseJson(payload, type, maxBytes))
  if (!parsed.success) throw invalid(type, 'has a payload of another shape', parsed.error)
  return parsed.data
}

function parseJson(bytes: Uint8Array, type: string, maxBytes: number): unknown {
  if (bytes.byteLength > maxBytes) throw invalid(type, `has ${bytes.byteLength} bytes, more than ${maxBytes}`)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw invalid(type, 'is not JSON in UTF-8', cause)
  }
}

function preAuthenticationEncoding(type: string, payload: Uint8Array): Uint8Array {
  const name = Buffer.from(type)
  return Buffer.concat([
    Buffer.from(`datapunk-mtls-v1 ${name.byteLength} `),
    name,
    Buffer.from(` ${payload.byteLength} `),
    payload,
  ])
}

function invalid(type: string, what: string, cause?: unknown): ProtocolError {
  return new ProtocolError('DOCUMENT_INVALID', `the ${type} document ${what}`, { cause, data: { type } })
}
