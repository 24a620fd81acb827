import { createCipheriv, createDecipheriv, timingSafeEqual } from 'node:crypto'
import { decodePem, encodePem, PkiError } from '@datapunk/pki'
import { AuthorityError } from '../error.ts'
import type { SlotKind } from '../store/rows.ts'
import { insteadOf, type Passphrase } from './passphrase.ts'
import {
  allowedCost,
  CHECK_BYTES,
  derivePassphraseKey,
  type ScryptCost,
  scryptCost,
} from './passphrase-key.ts'

/**
 * An encrypted private key: a PEM block of our own label, whose content is
 *
 *     content    = header LF ciphertext tag
 *     header     = one line of JSON, as below; authenticated byte by byte as it stands in the file
 *     secret     = scrypt(passphrase, salt, N, r, p, 32 bytes)                       RFC 7914
 *     key, check = HKDF-SHA-256(secret, "datapunk-mtls key envelope v1 " + purpose)  RFC 5869
 *     ciphertext = AES-256-GCM(key, nonce, PKCS#8 DER), tag 16 bytes; associated data: context, header
 *
 * The header says whose key this is (slot, kind, SPKI hash), so that an envelope put in another's place is noticed; and
 * it holds `check`, so that a wrong passphrase and a damaged file are two different errors, and no file opens under two
 * passphrases (AES-GCM alone commits to no key).
 *
 * Every envelope has its own salt. One for all would save a third of a second when several are opened, but the derived
 * secret would then have to be kept, and whoever reads it in memory could open the root too. This way nothing that
 * opens one envelope opens another, and the root is derived when it is to sign, never before.
 */
export const envelopeLabel = 'DATAPUNK ENCRYPTED KEY'

const CONTEXT = 'datapunk-mtls key envelope v1'
const SALT_BYTES = 16
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** Four times the longest PKCS#8 we make (RSA 4096, 2.4 kB; ML-DSA-65, 4.1 kB with its expanded form). */
const MAX_CONTENT_BYTES = 16 * 1024

/** Whose key it is. */
export interface KeyName {
  /** The slot's id. */
  readonly slot: string
  readonly kind: SlotKind
  /** SHA-256 of the DER SubjectPublicKeyInfo, lowercase hex. */
  readonly spkiHash: string
}

interface Header extends KeyName, ScryptCost {
  readonly version: 1
  readonly salt: Uint8Array
  readonly nonce: Uint8Array
  readonly check: Uint8Array
}

export interface SealOptions {
  readonly name: KeyName
  readonly passphrase: Passphrase
  readonly randomBytes: (length: number) => Uint8Array
  /** Default `scryptCost`; tests take less. */
  readonly cost?: ScryptCost | undefined
}

/** @param pkcs8 DER, unencrypted. @returns the PEM text */
export async function sealKey(pkcs8: Uint8Array, options: SealOptions): Promise<string> {
  const { name, passphrase, randomBytes, cost = scryptCost } = options
  const salt = randomBytes(SALT_BYTES)
  const nonce = randomBytes(NONCE_BYTES)
  const { key, check } = await derivePassphraseKey(passphrase, salt, cost, CONTEXT)
  const header = Buffer.from(encodeHeader({ version: 1, ...name, ...cost, salt, nonce, check }))
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  key.fill(0)
  cipher.setAAD(associatedData(header))
  const ciphertext = Buffer.concat([cipher.update(pkcs8), cipher.final()])
  return encodePem(envelopeLabel, Buffer.concat([header, Buffer.from('\n'), ciphertext, cipher.getAuthTag()]))
}

/**
 * Whose key an envelope says it holds; proven only by `openKey`.
 *
 * @throws AuthorityError `ENVELOPE_INVALID`
 */
export function envelopeName(pem: string | Uint8Array): KeyName {
  const { slot, kind, spkiHash } = parseEnvelope(pem).header
  return { slot, kind, spkiHash }
}

/**
 * @returns the PKCS#8 DER, which is to be wiped by whoever asked for it
 * @throws AuthorityError `PASSPHRASE_WRONG`; `ENVELOPE_INVALID` when the text is no envelope of ours, was changed, or
 *   asks for more memory or work than any of ours does
 */
export async function openKey(pem: string | Uint8Array, passphrase: Passphrase): Promise<Uint8Array> {
  const { header, headerBytes, ciphertext, tag } = parseEnvelope(pem)
  const key = await keyFor(header, passphrase)
  const decipher = createDecipheriv('aes-256-gcm', key, header.nonce, { authTagLength: TAG_BYTES })
  key.fill(0)
  decipher.setAAD(associatedData(headerBytes))
  decipher.setAuthTag(tag)
  const pkcs8 = decipher.update(ciphertext)
  try {
    // GCM gives all of it before, and here says only whether it is what was sealed.
    decipher.final()
    return pkcs8
  } catch (cause) {
    pkcs8.fill(0)
    throw invalid(`the envelope of ${header.slot} was changed since it was sealed`, cause)
  }
}

/**
 * Whether an envelope was sealed with this passphrase, by its `check` alone: the key in it stays where it is.
 *
 * @throws AuthorityError `PASSPHRASE_WRONG`, `ENVELOPE_INVALID`
 */
export async function checkPassphrase(pem: string | Uint8Array, passphrase: Passphrase): Promise<void> {
  const key = await keyFor(parseEnvelope(pem).header, passphrase)
  key.fill(0)
}

async function keyFor(header: Header, passphrase: Passphrase): Promise<Uint8Array> {
  const { key, check } = await derivePassphraseKey(passphrase, header.salt, header, CONTEXT)
  if (timingSafeEqual(check, header.check)) return key
  key.fill(0)
  throw new AuthorityError(
    'PASSPHRASE_WRONG',
    `the passphrase does not open the key of ${header.slot}; allowed: the one it was sealed with. ${insteadOf(passphrase)}`,
    { data: { slot: header.slot } },
  )
}

function associatedData(header: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${CONTEXT}\0`), header])
}

function encodeHeader({ version, slot, kind, spkiHash, N, r, p, ...octets }: Header): string {
  const [salt, nonce, check] = [octets.salt, octets.nonce, octets.check].map((one) =>
    Buffer.from(one).toString('hex'),
  )
  return JSON.stringify({
    version,
    slot,
    kind,
    spkiHash,
    kdf: 'scrypt',
    N,
    r,
    p,
    salt,
    cipher: 'aes-256-gcm',
    nonce,
    check,
  })
}

function parseEnvelope(pem: string | Uint8Array): {
  header: Header
  headerBytes: Uint8Array
  ciphertext: Uint8Array
  tag: Uint8Array
} {
  const content = decodeContent(pem)
  const end = content.indexOf(0x0a)
  if (end < 0 || content.length < end + 1 + TAG_BYTES) throw invalid('the envelope is cut short')
  const headerBytes = content.subarray(0, end)
  const tag = content.subarray(content.length - TAG_BYTES)
  const ciphertext = content.subarray(end + 1, content.length - TAG_BYTES)
  return { header: parseHeader(headerBytes), headerBytes, ciphertext, tag }
}

function decodeContent(pem: string | Uint8Array): Uint8Array {
  try {
    const [content, ...more] = decodePem(pem, envelopeLabel)
    if (content === undefined || more.length > 0) throw invalid('there must be exactly one envelope')
    if (content.length > MAX_CONTENT_BYTES)
      throw invalid(`the envelope is longer than ${MAX_CONTENT_BYTES} bytes`)
    return content
  } catch (error) {
    throw error instanceof PkiError ? invalid(error.message, error) : error
  }
}

function parseHeader(bytes: Uint8Array): Header {
  const fields = parseJson(bytes)
  const { version, slot, kind, kdf, N, r, p, cipher } = fields
  if (version !== 1)
    throw invalid(`the envelope has version ${String(version)}, and this mtls reads version 1`)
  if (kdf !== 'scrypt' || cipher !== 'aes-256-gcm')
    throw invalid('the envelope names algorithms that are not ours')
  if (typeof slot !== 'string' || !isKind(kind)) throw invalid('the envelope does not say whose key it holds')
  const [spki, salt, nonce, check] = [
    octets(fields, 'spkiHash', 32),
    octets(fields, 'salt', SALT_BYTES),
    octets(fields, 'nonce', NONCE_BYTES),
    octets(fields, 'check', CHECK_BYTES),
  ]
  const spkiHash = Buffer.from(spki).toString('hex')
  return { version, slot, kind, spkiHash, ...parseCost(N, r, p), salt, nonce, check }
}

function parseJson(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch (cause) {
    throw invalid('the header of the envelope is no JSON', cause)
  }
  throw invalid('the header of the envelope is no JSON object')
}

function parseCost(N: unknown, r: unknown, p: unknown): ScryptCost {
  const cost = allowedCost(N, r, p)
  if (cost === undefined) throw invalid('the envelope asks for more memory or work than any of ours')
  return cost
}

function octets(fields: Record<string, unknown>, name: string, length: number): Uint8Array {
  const text = fields[name]
  if (typeof text !== 'string' || text.length !== 2 * length || !/^[0-9a-f]*$/.test(text)) {
    throw invalid(`${name} of the envelope is not ${length} octets in lowercase hex`)
  }
  return Buffer.from(text, 'hex')
}

function isKind(kind: unknown): kind is SlotKind {
  return kind === 'root' || kind === 'issuing-ca' || kind === 'bundle-key'
}

function invalid(found: string, cause?: unknown): AuthorityError {
  return new AuthorityError('ENVELOPE_INVALID', `${found}. Put the key file back from a backup`, { cause })
}
