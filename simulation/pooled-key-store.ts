import type { Signer } from '@datapunk/pki'
import type { Disk } from '../packages/authority/disk/disk.ts'
import { KeyStore, type KeyStoreOptions } from '../packages/authority/keys/key-store.ts'
import type { KnownKey, StoredKey } from '../packages/authority/keys/stored-key.ts'
import { spkiOf } from '../packages/pki/keys/public-key.ts'
import type { KeyPool } from './key-pool.ts'

/** Makes nothing itself: keys come from a pool, and are stored as those that are taken over. */
export class PooledKeyStore extends KeyStore {
  readonly #pool: KeyPool
  readonly #disk: Disk
  readonly #checked = new Map<string, string>()
  readonly #signers = new Map<string, { stamp: string; signer: Signer }>()

  constructor(pool: KeyPool, options: KeyStoreOptions) {
    super(options)
    this.#pool = pool
    this.#disk = options.disk
  }

  /** A key that was opened before is not parsed again, as long as its file has not changed. */
  override async open(slot: KnownKey): Promise<Signer> {
    const stamp = this.#stampOf(slot)
    const known = this.#signers.get(slot.id)
    if (known?.stamp === stamp) return known.signer
    const signer = await super.open(slot)
    this.#signers.set(slot.id, { stamp, signer })
    return signer
  }

  override check(slot: KnownKey): void {
    const stamp = this.#stampOf(slot)
    if (this.#checked.get(slot.id) === stamp) return
    super.check(slot)
    this.#checked.set(slot.id, stamp)
  }

  #stampOf(slot: KnownKey): string {
    return `${slot.spkiHash} ${this.#disk.stampOf(this.pathOf(slot))}`
  }

  override async generate(...[slot]: Parameters<KeyStore['generate']>): Promise<StoredKey> {
    const { privateKey } = this.#pool.next()
    const pem = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }))
    return this.import(slot, pem, spkiOf(privateKey))
  }
}
