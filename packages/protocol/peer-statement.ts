import type { Signer } from '@datapunk/pki'
import { z } from 'zod'
import { type DocumentNumber, documentNumber } from './document-number.ts'
import { ProtocolError } from './error.ts'
import { isSignedBy, parsePayload, parseSealed, seal } from './sealed.ts'

/** What a peer signs with the key of its certificate, so that nobody speaks for an instance but who holds its key. */
interface PeerStatement {
  readonly meshId: string
  /** The running process, 128 random bits made when it joined, lowercase hex: an instance may have several. */
  readonly peer: string
  /** Of the certificate whose key signs, lowercase hex: it says which instance speaks. */
  readonly serial: string
}

/** A peer at the beginning of its stream. */
export interface Hello extends PeerStatement {
  /** The authority's challenge, so that a hello can't be shown twice. */
  readonly nonce: string
  /** Of its software. */
  readonly version: string
  /** Formats of the bundle it reads. */
  readonly formats: readonly number[]
  /** What it believed last, so that it is sent no more than it needs. */
  readonly trustStatement: DocumentNumber
  readonly bundle: DocumentNumber
}

/** "I enforce this." Evidence, not proof. */
export interface Acknowledgement extends PeerStatement {
  /** The bundle key that has signed it, by its `keyIdOf`. */
  readonly bundleKey: string
  readonly number: DocumentNumber
  /** SHA-256 of the head as it was signed, lowercase hex. */
  readonly digest: string
  readonly trustStatement: DocumentNumber
  /** What it has seen last of the transparency logs, so that one that shows others something else is found out. */
  readonly checkpoints: readonly WitnessedCheckpoint[]
}

export interface WitnessedCheckpoint {
  /** The id of the log, SHA-256 of its key, lowercase hex. */
  readonly log: string
  readonly size: number
  /** Base64. */
  readonly root: string
}

const HELLO = 'peer-hello/v1'
const ACKNOWLEDGEMENT = 'acknowledgement/v1'

/** Some hundred bytes, and an ML-DSA-65 signature of 4.5 kB in base64. */
const MAX_BYTES = 16 * 1024

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`))
const statement = {
  meshId: hex(16),
  peer: hex(16),
  // RFC 5280 4.1.2.2: at most 20 octets.
  serial: z.string().regex(/^[0-9a-f]{1,40}$/),
}

const helloSchema = z.object({
  ...statement,
  nonce: hex(32),
  version: z.string().max(64),
  formats: z.array(z.int().min(1)).min(1).max(16),
  trustStatement: documentNumber,
  bundle: documentNumber,
})

const acknowledgementSchema = z.object({
  ...statement,
  bundleKey: hex(32),
  number: documentNumber,
  digest: hex(32),
  trustStatement: documentNumber,
  // A peer of before there were logs has seen none.
  checkpoints: z
    .array(z.object({ log: hex(32), size: z.int().min(0), root: z.base64().length(44) }))
    .max(8)
    .default([]),
})

export function sealHello(hello: Hello, signer: Signer): Promise<Uint8Array> {
  const payload: z.input<typeof helloSchema> = { ...hello, formats: [...hello.formats] }
  return seal(HELLO, Buffer.from(JSON.stringify(payload)), [signer])
}

export function sealAcknowledgement(acknowledgement: Acknowledgement, signer: Signer): Promise<Uint8Array> {
  const { checkpoints, ...rest } = acknowledgement
  const payload: z.input<typeof acknowledgementSchema> = {
    ...rest,
    checkpoints: checkpoints.map((one) => ({ ...one })),
  }
  return seal(ACKNOWLEDGEMENT, Buffer.from(JSON.stringify(payload)), [signer])
}

/** DER SubjectPublicKeyInfo of the certificate with this serial; undefined where nobody may sign with it. */
type KeyOf = (serial: string) => Uint8Array | undefined

/** @throws ProtocolError `DOCUMENT_INVALID`, `SIGNATURE_INVALID` */
export function openHello(bytes: Uint8Array, keyOf: KeyOf): Hello {
  return open(bytes, HELLO, helloSchema, keyOf)
}

/** @throws ProtocolError `DOCUMENT_INVALID`, `SIGNATURE_INVALID` */
export function openAcknowledgement(bytes: Uint8Array, keyOf: KeyOf): Acknowledgement {
  return open(bytes, ACKNOWLEDGEMENT, acknowledgementSchema, keyOf)
}

function open<Schema extends z.ZodType<{ serial: string }>>(
  bytes: Uint8Array,
  type: string,
  schema: Schema,
  keyOf: KeyOf,
): z.output<Schema> {
  const document = parseSealed(bytes, type, MAX_BYTES)
  const said = parsePayload(document.payload, schema, type, MAX_BYTES)
  const spki = keyOf(said.serial)
  if (spki !== undefined && isSignedBy(document, spki)) return said
  throw new ProtocolError(
    'SIGNATURE_INVALID',
    `found a ${type} that the key of certificate ${said.serial} has not signed; allowed: the key of an instance of this mesh`,
    { data: { serial: said.serial } },
  )
}
