import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto'
import { type Checkpoint, formatCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { type NoteKey, openNote, signNote } from './signed-note.ts'
import { TlogError } from './tlog-error.ts'
import { treeHeadMessage } from './tree-head.ts'

/** A checkpoint with the time at which the log signed it. */
export interface SignedCheckpoint extends Checkpoint {
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}

/** The key of a log: ECDSA P-256. */
export interface LogKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array
}

export interface LogSigner extends LogKey {
  /** ECDSA with SHA-256, DER. */
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>
}

/**
 * A log's name, SHA-256 of its SubjectPublicKeyInfo.
 *
 * @see RFC 6962 3.2
 */
export function logId(spki: Uint8Array): Uint8Array {
  return hash('sha256', spki, 'buffer')
}

/**
 * The note of a checkpoint, signed as a tree head.
 *
 * @throws RangeError as `formatCheckpoint` and `signNote`
 * @see C2SP static-ct-api, "Checkpoints"
 */
export async function signCheckpoint(
  checkpoint: SignedCheckpoint,
  { spki, sign }: LogSigner,
): Promise<Uint8Array> {
  const text = formatCheckpoint(checkpoint)
  const signature = await sign(treeHeadMessage(checkpoint))
  const head = Buffer.alloc(HEAD_OCTETS)
  head.writeBigUInt64BE(BigInt(checkpoint.timestamp))
  head.set(ECDSA_SHA256, TIME_OCTETS)
  head.writeUInt16BE(signature.length, TIME_OCTETS + ECDSA_SHA256.length)
  const key = checkpointKey(checkpoint.origin, spki)
  return signNote(text, [{ ...key, body: Buffer.concat([head, signature]) }])
}

/**
 * Reads a log's checkpoint and checks its signature. That doesn't cover the origin: it is the key that tells one log
 * from another.
 *
 * @throws TlogError `CHECKPOINT_INVALID`; `NOTE_INVALID`; `NOTE_SIGNATURE_INVALID`
 * @throws TypeError the key is none of ECDSA P-256
 * @see C2SP static-ct-api, "Checkpoints"
 */
export function openCheckpoint(
  octets: Uint8Array,
  { origin, spki }: LogKey & { readonly origin: string },
): SignedCheckpoint {
  const publicKey = logPublicKey(spki)
  const { text, signatures } = openNote(octets, [
    {
      ...checkpointKey(origin, spki),
      verify: (text, body) => isTreeHeadSignature(parseCheckpoint(text), body, publicKey),
    },
  ])
  const checkpoint = parseCheckpoint(text)
  if (checkpoint.origin !== origin)
    throw new TlogError(
      'CHECKPOINT_INVALID',
      `the checkpoint is one of ${checkpoint.origin}, not of ${origin}`,
    )
  if (checkpoint.size > MAX_SIZE)
    throw new TlogError(
      'CHECKPOINT_INVALID',
      `found a checkpoint of ${checkpoint.size} entries; allowed: up to 2^40, as many as SCTs can number`,
    )
  return { ...checkpoint, timestamp: timestampOf(signatures[0]?.body as Uint8Array) as number }
}

/** `uint40 LeafIndex` (C2SP static-ct-api, "SCT Extension"). */
const MAX_SIZE = 2 ** 40

/** HashAlgorithm sha256(4), SignatureAlgorithm ecdsa(3) (RFC 5246 7.4.1.4.1). */
const ECDSA_SHA256 = Uint8Array.of(4, 3)
const TIME_OCTETS = 8
/** Before the signature: the time, the algorithms, and the signature's length. */
const HEAD_OCTETS = TIME_OCTETS + ECDSA_SHA256.length + 2

/** The name and ID of the key, from its type of signature, 0x05. */
function checkpointKey(origin: string, spki: Uint8Array): NoteKey {
  const named = Buffer.concat([Buffer.from(`${origin}\n\x05`), logId(spki)])
  return { name: origin, id: hash('sha256', named, 'buffer').readUInt32BE() }
}

function logPublicKey(spki: Uint8Array): KeyObject {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new TypeError(`the key of a log is ECDSA P-256, not ${key.asymmetricKeyType}`)
  return key
}

// struct { uint64 timestamp; DigitallySigned signature; } RFC6962NoteSignature;
function isTreeHeadSignature({ size, root }: Checkpoint, body: Uint8Array, key: KeyObject): boolean {
  const timestamp = timestampOf(body)
  const view = Buffer.from(body)
  if (timestamp === undefined || view.compare(ECDSA_SHA256, 0, 2, TIME_OCTETS, TIME_OCTETS + 2) !== 0)
    return false
  if (view.readUInt16BE(TIME_OCTETS + 2) !== view.length - HEAD_OCTETS) return false
  return verify('sha256', treeHeadMessage({ timestamp, size, root }), key, view.subarray(HEAD_OCTETS))
}

function timestampOf(body: Uint8Array): number | undefined {
  if (body.length <= HEAD_OCTETS) return undefined
  const timestamp = Number(Buffer.from(body).readBigUInt64BE())
  return Number.isSafeInteger(timestamp) ? timestamp : undefined
}
