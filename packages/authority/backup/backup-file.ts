import { timingSafeEqual } from 'node:crypto'
import type { Disk, OpenFile } from '../disk/disk.ts'
import { AuthorityError } from '../error.ts'
import type { Passphrase } from '../keys/passphrase.ts'
import { derivePassphraseKey, type ScryptCost, scryptCost } from '../keys/passphrase-key.ts'
import { CHUNK_BYTES, openChunks, sealChunks } from './chunks.ts'
import {
  type BackupHeader,
  encodeHeader,
  invalid,
  MAX_HEADER_BYTES,
  parseHeader,
  SALT_BYTES,
} from './header.ts'
import { encodeManifest, MAX_INVENTORY_BYTES } from './manifest.ts'
import { UnsealedBackup } from './unsealed-backup.ts'

/**
 * A backup: everything that makes an authority, in one file, encrypted.
 *
 *     file     = header LF chunks                         header.ts, chunks.ts
 *     chunks   = sealed(manifest LF keys inventory)       manifest.ts
 *     keys     = the key files as they lie in the state folder, each in an envelope of its own
 *     inventory = an SQLite database
 *
 * The key of the chunks comes from the passphrase as that of a key envelope does, under a context of its own; the header is
 * authenticated with every chunk. It holds no leaf key, and no passphrase.
 */
const CONTEXT = 'datapunk-mtls backup v1'

const MAX_FILE_BYTES = MAX_INVENTORY_BYTES + 1024 ** 3

/** What goes into a backup. */
export interface BackupContent {
  readonly keys: readonly { readonly slot: string; readonly file: Uint8Array }[]
  /** The snapshot of the inventory. */
  readonly inventory: OpenFile
}

export interface SealBackupOptions {
  readonly header: Pick<BackupHeader, 'meshId' | 'trustDomain' | 'generation' | 'madeAt'>
  readonly passphrase: Passphrase
  readonly randomBytes: (length: number) => Uint8Array
  /** Default `scryptCost`; tests take less. */
  readonly cost?: ScryptCost | undefined
}

/** The bytes of a backup, one piece after the other. */
export async function* sealBackup(
  content: BackupContent,
  { header, passphrase, randomBytes, cost = scryptCost }: SealBackupOptions,
): AsyncGenerator<Uint8Array> {
  const salt = randomBytes(SALT_BYTES)
  const { key, check } = await derivePassphraseKey(passphrase, salt, cost, CONTEXT)
  const line = encodeHeader({ ...header, ...cost, salt, check })
  yield Buffer.concat([line, Buffer.of(LINE_END)])
  yield* sealChunks(piecesOf(content), { key, associated: associatedData(line) })
}

const LINE_END = 0x0a

async function* piecesOf({ keys, inventory }: BackupContent): AsyncGenerator<Uint8Array> {
  const sizes = keys.map(({ slot, file }) => ({ slot, size: file.length }))
  yield encodeManifest({ keys: sizes, inventory: inventory.size })
  for (const { file } of keys) yield file
  for (let left = inventory.size; left > 0; left -= CHUNK_BYTES) {
    yield inventory.read(Math.min(left, CHUNK_BYTES))
    // Whoever waits for the authority meanwhile has its turn between two pieces.
    await new Promise(setImmediate)
  }
}

/** A backup whose header was read: nothing of it is proven before `unseal`. */
export class BackupFile {
  readonly header: BackupHeader
  readonly #path: string
  readonly #file: OpenFile
  readonly #line: Uint8Array
  /** What was read beyond the header. */
  #ahead: Uint8Array

  /**
   * @throws AuthorityError `BACKUP_INVALID`
   */
  static open(path: string, disk: Disk): BackupFile {
    const file = disk.openFile(path, { maxBytes: MAX_FILE_BYTES })
    if (file === undefined) {
      throw new AuthorityError(
        'BACKUP_INVALID',
        `found no file ${path}; allowed: what \`mtls backup\` wrote`,
        {
          data: { file: path },
        },
      )
    }
    try {
      return new BackupFile(path, file)
    } catch (error) {
      file.close()
      throw error
    }
  }

  private constructor(path: string, file: OpenFile) {
    const beginning = file.read(MAX_HEADER_BYTES)
    const end = beginning.indexOf(LINE_END)
    if (end < 0) throw invalid(path, 'is no backup of mtls')
    this.#path = path
    this.#file = file
    this.#line = beginning.subarray(0, end)
    this.#ahead = beginning.subarray(end + 1)
    this.header = parseHeader(this.#line, path)
  }

  /**
   * Opens it, once.
   *
   * @throws AuthorityError `PASSPHRASE_WRONG`; `BACKUP_INVALID` when it was changed or cut short, also while what this gives
   *   is read
   */
  async unseal(passphrase: Passphrase): Promise<UnsealedBackup> {
    const { salt } = this.header
    const { key, check } = await derivePassphraseKey(passphrase, salt, this.header, CONTEXT)
    if (!timingSafeEqual(check, this.header.check)) {
      throw new AuthorityError(
        'PASSPHRASE_WRONG',
        `the passphrase does not open the backup ${this.#path}; allowed: the one it was sealed with. Give that by --passphrase-file`,
        { data: { file: this.#path } },
      )
    }
    const size = this.#file.size - this.#line.length - 1
    const seal = { key, associated: associatedData(this.#line) }
    const changed = (cause: unknown) =>
      invalid(this.#path, 'was changed or cut short since it was made', cause)
    const plain = openChunks(size, (length) => this.#read(length), seal, changed)
    return new UnsealedBackup(plain, this.#path)
  }

  close(): void {
    this.#file.close()
  }

  #read(length: number): Uint8Array {
    const ahead = this.#ahead.subarray(0, length)
    this.#ahead = this.#ahead.subarray(ahead.length)
    return ahead.length === length ? ahead : Buffer.concat([ahead, this.#file.read(length - ahead.length)])
  }
}

function associatedData(line: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${CONTEXT}\0`), line])
}
