import { AuthorityError } from '../error.ts'
import { allowedCost, CHECK_BYTES, type ScryptCost } from '../keys/passphrase-key.ts'

/**
 * The first line of a backup, and all of it that is in clear: what may be known without the passphrase, and what the
 * passphrase is turned into a key with. It is authenticated byte by byte as it stands in the file.
 */
export interface BackupHeader extends ScryptCost {
  readonly meshId: string
  readonly trustDomain: string
  /** Of the mesh when the backup was made. */
  readonly generation: number
  /** Milliseconds since the epoch. */
  readonly madeAt: number
  readonly salt: Uint8Array
  readonly check: Uint8Array
}

const FORMAT = 'datapunk-mtls backup'
const VERSION = 1
export const SALT_BYTES = 16

/** A trust domain has 253 characters at most, all else is fixed: four times what a header can be. */
export const MAX_HEADER_BYTES = 4096

/** @returns the line, without its end */
export function encodeHeader({ madeAt, salt, check, N, r, p, ...rest }: BackupHeader): Uint8Array {
  const { meshId, trustDomain, generation } = rest
  return Buffer.from(
    JSON.stringify({
      ...{ format: FORMAT, version: VERSION, meshId, trustDomain, generation },
      madeAt: new Date(madeAt).toISOString(),
      ...{ kdf: 'scrypt', N, r, p, salt: hex(salt), cipher: 'aes-256-gcm', check: hex(check) },
    }),
  )
}

/** @throws AuthorityError `BACKUP_INVALID` */
export function parseHeader(line: Uint8Array, file: string): BackupHeader {
  const fields = parseJson(line)
  if (fields?.format !== FORMAT) throw invalid(file, 'is no backup of mtls')
  if (fields.version !== VERSION)
    throw invalid(
      file,
      `has format ${JSON.stringify(fields.version)}, and this mtls reads format ${VERSION}: use the mtls that wrote it`,
    )
  const { meshId, trustDomain, generation, kdf, cipher, N, r, p } = fields
  const madeAt = typeof fields.madeAt === 'string' ? Date.parse(fields.madeAt) : Number.NaN
  const cost = allowedCost(N, r, p)
  const salt = octets(fields.salt, SALT_BYTES)
  const check = octets(fields.check, CHECK_BYTES)
  if (kdf !== 'scrypt' || cipher !== 'aes-256-gcm' || cost === undefined)
    throw invalid(file, 'names other algorithms than ours, or asks for more memory or work than any of ours')
  const isNamed =
    typeof meshId === 'string' &&
    /^[0-9a-f]{32}$/.test(meshId) &&
    typeof trustDomain === 'string' &&
    /^[a-z0-9.-]{1,253}$/.test(trustDomain)
  const isCounted = Number.isSafeInteger(generation) && (generation as number) >= 1 && !Number.isNaN(madeAt)
  if (!isNamed || !isCounted || salt === undefined || check === undefined)
    throw invalid(file, 'has a header that does not say what it holds')
  return { meshId, trustDomain, generation: generation as number, madeAt, ...cost, salt, check }
}

export function invalid(file: string, found: string, cause?: unknown): AuthorityError {
  return new AuthorityError('BACKUP_INVALID', `${file} ${found}. Nothing was changed; use another backup`, {
    cause,
    data: { file },
  })
}

function parseJson(line: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function octets(text: unknown, length: number): Uint8Array | undefined {
  const isHex = typeof text === 'string' && text.length === 2 * length && /^[0-9a-f]*$/.test(text)
  return isHex ? Buffer.from(text, 'hex') : undefined
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
