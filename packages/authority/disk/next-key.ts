import { createPrivateKey } from 'node:crypto'
import { basename, join } from 'node:path'
import { spkiOf } from '@datapunk/pki'
import { AuthorityError } from '../error.ts'
import type { Disk } from './disk.ts'
import { ensureInstanceFolder, type FolderOptions, stagingOf } from './instance-folder.ts'

/** A private key of the largest kind we make stays far below this. */
const MAX_PEM_BYTES = 64 * 1024

/** Whatever group may read the pair: nobody needs this one yet. */
const KEY_MODE = 0o600

/** A private key in a file, or on its way to one, and the public half of it. */
export interface KeyText {
  /** PKCS#8, unencrypted. */
  readonly keyPem: string
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
}

/**
 * The key of an instance's next certificate: `next.pem`, beside the versions of its pair. It is made where only the authority
 * enters, and moved in by one rename. Nothing of it is synced: should a power cut take it, tear it, or bring back the one before, it
 * is no longer what the inventory says, and is made anew.
 */
export class NextKeyFile {
  readonly #disk: Disk
  readonly #dir: string

  /** @param dir absolute; of the instance */
  constructor(dir: string, disk: Disk) {
    this.#disk = disk
    this.#dir = dir
  }

  /**
   * Replaces the key.
   *
   * @param keyPem PKCS#8, unencrypted
   * @throws AuthorityError `PERMISSIONS`, `DISK_FAILED`
   */
  put(keyPem: string, options: FolderOptions): void {
    const { owner } = ensureInstanceFolder(this.#disk, this.#dir, options)
    // Were there one to be replaced, ext4 would write the new one out at the rename, and be waited for.
    this.#disk.removeUnsynced(this.#path)
    this.#disk.writeUnsynced(this.#made, keyPem, { mode: KEY_MODE, owner })
    this.#disk.rename(this.#made, this.#path)
  }

  /** Whether there is a file; far cheaper than reading it. */
  get isThere(): boolean {
    return this.#disk.kindOf(this.#path) === 'file'
  }

  /**
   * The key; undefined where there is none.
   *
   * @throws AuthorityError `PERMISSIONS` when others may read it; `DISK_FAILED`; `KEY_INVALID`
   */
  read(): KeyText | undefined {
    const options = { maxBytes: MAX_PEM_BYTES, followLinks: false, refuseLooserThan: KEY_MODE }
    const pem = this.#disk.readChecked(this.#path, options)
    if (pem === undefined) return undefined
    const keyPem = Buffer.from(pem).toString()
    try {
      return { keyPem, spki: spkiOf(createPrivateKey(keyPem)) }
    } catch (cause) {
      throw new AuthorityError(
        'KEY_INVALID',
        `${this.#path} can't be read as a private key. Run mtls apply: it makes another one`,
        { cause },
      )
    }
  }

  /** Only its name goes: what the disk still holds of it is for the disk to forget. */
  remove(): void {
    this.#disk.remove(this.#path)
  }

  get #path(): string {
    return join(this.#dir, 'next.pem')
  }

  get #made(): string {
    return join(stagingOf(this.#dir), `${basename(this.#dir)}.key`)
  }
}
