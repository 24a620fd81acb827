import { PageError } from '../page-error.ts'
import { OctetReader } from './octet-reader.ts'
import { base64Octets, joined, type Octets } from './octets.ts'

/** What a log says about itself at one moment, and its signature under that, unchecked. */
export interface SignedCheckpoint {
  readonly origin: string
  readonly size: number
  /** 32 octets. */
  readonly root: Octets
  /** Milliseconds since the epoch. */
  readonly signedAt: number
  /** ID of the key that is said to have signed: a hint, no proof. */
  readonly keyId: Octets
  /** ECDSA-Sig-Value, DER. */
  readonly signature: Octets
}

const HASH_OCTETS = 32
const ID_OCTETS = 4
/** HashAlgorithm sha256(4), SignatureAlgorithm ecdsa(3) (RFC 5246 7.4.1.4.1). */
const SHA256_ECDSA = 0x0403
/** A checkpoint is some 300 characters long, and each signature of a witness under it as many. */
const MAX_CHARACTERS = 0x1_0000

// <origin> \n <size> \n <base64 of the root> \n \n — <name> <base64 of ID and signature> \n
const noteGrammar =
  /^([^\0-\x1f]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n\n((?:\u2014 [^\s+]+ [A-Za-z0-9+/]+={0,2}\n)+)$/u
const signatureGrammar = /^\u2014 (\S+) (\S+)$/u

/**
 * Reads a checkpoint with its log's signature: the one that bears the log's name. Others, of witnesses, are passed over.
 *
 * @throws PageError `PROOF_MALFORMED`
 * @see C2SP static-ct-api, "Checkpoints"; C2SP signed-note
 */
export function parseCheckpoint(note: string): SignedCheckpoint {
  const [, origin, size, root, signatures] =
    note.length > MAX_CHARACTERS ? [] : (noteGrammar.exec(note) ?? [])
  if (origin === undefined || size === undefined || root === undefined || signatures === undefined)
    return refuse('it has not the form of one')
  if (!Number.isSafeInteger(Number(size))) refuse('its size is beyond 2^53 - 1')
  const own = signatures.split('\n').flatMap((line) => {
    const [, name, base64] = signatureGrammar.exec(line) ?? []
    return name === origin && base64 !== undefined ? [base64] : []
  })
  if (own.length !== 1) refuse(`it has ${own.length} signatures of ${origin}, and one is needed`)
  const body = signatureOf(base64Octets(own[0]!, 'the signature of the checkpoint'))
  return { origin, size: Number(size), root: rootOf(root), ...body }
}

function rootOf(base64: string): Octets {
  const root = base64Octets(base64, 'the root of the checkpoint')
  return root.length === HASH_OCTETS ? root : refuse('its root is no SHA-256')
}

/** The key's ID, then `struct { uint64 timestamp; DigitallySigned signature; } RFC6962NoteSignature;` */
function signatureOf(octets: Octets): Pick<SignedCheckpoint, 'keyId' | 'signedAt' | 'signature'> {
  const reader = new OctetReader(octets, 'the signature of the checkpoint')
  const keyId = joined(reader.octets(ID_OCTETS))
  const signedAt = reader.number(8)
  if (reader.number(2) !== SHA256_ECDSA) reader.fail('it is not ECDSA with SHA-256')
  const signature = reader.vector(2)
  reader.finish()
  return { keyId, signedAt, signature: joined(signature.octets(signature.rest)) }
}

// struct {
//   Version version; SignatureType signature_type = tree_hash;
//   uint64 timestamp; uint64 tree_size; opaque sha256_root_hash[32];
// } TreeHeadSignature;
/** The octets that the signature covers. @see RFC 6962 3.5 */
export function treeHeadMessage({ signedAt, size, root }: SignedCheckpoint): Octets {
  const head = new DataView(new ArrayBuffer(18))
  head.setUint8(1, 1)
  head.setBigUint64(2, BigInt(signedAt))
  head.setBigUint64(10, BigInt(size))
  return joined(new Uint8Array(head.buffer), root)
}

/** What is hashed for the ID of a log's key: its first four octets. @param logId SHA-256 of its SubjectPublicKeyInfo */
export function keyIdInput(origin: string, logId: Uint8Array): Octets {
  return joined(new TextEncoder().encode(`${origin}\n`), Uint8Array.of(0x05), logId)
}

function refuse(why: string): never {
  throw new PageError('PROOF_MALFORMED', `the checkpoint can't be read: ${why}`)
}
