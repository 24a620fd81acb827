import { createPrivateKey, type KeyObject } from 'node:crypto'
import { dirname, join } from 'node:path'
import { generateKeyPair, type KeyAlgorithm, localSigner, type Signer } from '@datapunk/pki'
import type { Disk } from '../disk/disk.ts'
import { AuthorityError } from '../error.ts'
import type { SlotState } from '../store/rows.ts'
import { checkPassphrase, envelopeLabel, envelopeName, type KeyName, openKey, sealKey } from './envelope.ts'
import { bufferOver, isEncrypted, parseKey, supported } from './foreign-key.ts'
import { keyExists, keyInClear, keyInvalid, keyMismatch, keyMissing, notItsKey } from './key-failure.ts'
import { type FindOptions, longEnough, type Passphrase } from './passphrase.ts'
import type { ScryptCost } from './passphrase-key.ts'
import { describe, type KeySlot, type KnownKey, type StoredKey } from './stored-key.ts'

export interface KeyStoreOptions {
  readonly disk: Disk
  /** Absolute folder of every key but the root's: `layout.authority.keys`. */
  readonly folder: string
  /** Absolute path of the root key: `config.paths.caKey`. */
  readonly rootKey: string
  /** What every envelope is sealed with (see `findPassphrase`); asked for when a key is sealed or opened, never before. */
  readonly passphrase: (options?: FindOptions) => Passphrase
  /** Told when that will not do, as it opens no key or is too short: it may be another one by the next time. */
  readonly passphraseWrong?: () => void
  readonly randomBytes: (length: number) => Uint8Array
  /** Whether keys are stored, and taken, unencrypted: `authority.store_ca_keys_in_clear`, typed out in the config. */
  readonly storeInClear: boolean
  /** Asked before each signature; throws where nothing may be signed now. */
  readonly checkMaySign?: () => void
  /** Told after a key has signed, and how often, once it is closed again: for the audit. */
  readonly used?: (slot: KnownKey, signatures: number) => Promise<void>
  /** Default `scryptCost`; tests take less. */
  readonly cost?: ScryptCost
}

/** Of an RSA CA, which outlives 2030: 112 bits of security are acceptable until then (NIST SP 800-57 part 1, table 4). */
const CA_RSA_BITS = 3072

const FIRST_ROOT = 'root-1'

/** A 4096-bit RSA key in PEM is 3.3 kB, an ML-DSA-65 one 5.6 kB. */
const MAX_FILE_BYTES = 64 * 1024

/**
 * The CA and bundle keys on disk, 0600, each encrypted in an envelope of its own (`envelope.ts`). A key file is never
 * replaced by another key.
 *
 * Every method may throw AuthorityError `PERMISSIONS` (others may read the file) and `DISK_FAILED`.
 */
export class KeyStore {
  readonly #options: KeyStoreOptions
  /**
   * Bundle keys that were opened, by the hash of their SPKI: they sign at every revocation, where a third of a second counts.
   * Whoever reads this memory finds the passphrase there too. CA keys are never kept.
   */
  readonly #kept = new Map<string, Signer>()
  /** Those that `withSigner` has open, by the same hash. */
  readonly #inUse = new Map<string, Signer>()
  /** What has opened one of the keys here: what is sealed with it can be opened again. */
  #proven: Passphrase | undefined

  constructor(options: KeyStoreOptions) {
    this.#options = options
  }

  /**
   * Where a key lies. The root in use has a seat of its own, `paths.ca_key`; one that is prepared or retires lies with the
   * other keys.
   */
  pathOf(slot: KeySlot): string {
    const own = this.#ownPath(slot)
    return slot.kind === 'root' && !this.#isThere(own) ? this.#options.rootKey : own
  }

  /** Where the key of a root is to be put back: `pathOf` names where one lies. */
  placeOf(root: KeySlot & { readonly state: SlotState }): string {
    return root.state === 'active' ? this.#options.rootKey : this.#ownPath(root)
  }

  /**
   * Whether a root's key is in none of its places; another root's that still has the seat is not it. What can't be read is not
   * away: `check` says what is wrong with it.
   *
   * @param roots every root of the inventory
   */
  isAway(root: KnownKey, roots: readonly KnownKey[]): boolean {
    if (this.#isThere(this.#ownPath(root))) return false
    return !this.#isThere(this.#options.rootKey) || this.otherInSeat(root, roots) !== undefined
  }

  /** Another root whose key has the seat; undefined where there is none, or what is there can't be read. Arguments as of `isAway`. */
  otherInSeat(root: KnownKey, roots: readonly KnownKey[]): string | undefined {
    try {
      const seated = this.#keyIn(this.#options.rootKey, root)
      return roots.find(({ id, spkiHash }) => id !== root.id && spkiHash === seated)?.id
    } catch (error) {
      if (error instanceof AuthorityError) return undefined
      throw error
    }
  }

  /** Whether there is a file where `open` looks for the key, whatever is in it: of a root, another's may be in the seat. */
  has(slot: KeySlot): boolean {
    return this.#isThere(this.pathOf(slot))
  }

  /** Where files of keys lie, by name, the root's seat last: also of keys that a crash has kept off the record, or left in two places. */
  paths(): string[] {
    const { disk, folder, rootKey } = this.#options
    const own = disk
      .list(folder)
      .filter((name) => name.endsWith('.key'))
      .map((name) => join(folder, name))
    return this.#isThere(rootKey) ? [...own, rootKey] : own
  }

  /**
   * Gives the root in use its seat, and the one that had it a place with the other keys, also where the key that the seat is
   * for is away. A crash between any two steps leaves every key in one place at least, and is taken up by the next call.
   */
  seatRoot(slots: readonly (KnownKey & { readonly state: SlotState })[]): void {
    const { disk, rootKey } = this.#options
    const roots = slots.filter(({ kind }) => kind === 'root')
    const active = roots.find(({ state }) => state === 'active')
    if (active === undefined) return
    const comes = this.#isThere(this.#ownPath(active))
    const mayGo = roots.some((root) => root.state === 'retiring' && !this.#isThere(this.#ownPath(root)))
    if (!comes && !mayGo) return
    const seat = this.#isThere(rootKey) ? this.#keyIn(rootKey, active) : undefined
    const seated = roots.find((root) => root.spkiHash === seat && root.id !== active.id)
    if (seated !== undefined) this.#copy(rootKey, this.#ownPath(seated))
    if (comes) {
      this.#copy(this.#ownPath(active), rootKey)
      disk.remove(this.#ownPath(active))
    } else if (seated !== undefined) disk.remove(rootKey)
  }

  /** The file of a key as it lies there, for a backup; undefined when there is none. Throws as `check`. */
  file(slot: KnownKey): Uint8Array | undefined {
    if (!this.has(slot)) return undefined
    this.check(slot)
    return this.#readFile(slot)
  }

  /** Destroys the key of a slot that signs no more. */
  discard(slot: KeySlot): void {
    this.#options.disk.remove(this.#ownPath(slot))
  }

  /**
   * No new key is sealed with a passphrase that opens none of those that are sealed already: no one passphrase would open them all.
   * Where keys lie in clear any will do, and where none is sealed yet any that is long enough. Asked by itself before each key; ask it
   * before a deed that begins with something else.
   *
   * @throws AuthorityError `PASSPHRASE_WRONG`; `PASSPHRASE_SHORT` where it would be the first; and as `passphrase` does
   */
  async provePassphrase(): Promise<void> {
    if (!this.#options.storeInClear) await this.#passphraseToSealWith()
  }

  /** As `provePassphrase`, by the file of a key. */
  async provePassphraseBy(pem: Uint8Array): Promise<void> {
    await this.#trying(() => checkPassphrase(pem, this.#options.passphrase({ mayMake: false })))
  }

  /**
   * Makes a key and stores it; it is on disk when the promise resolves.
   *
   * @throws AuthorityError `KEY_EXISTS` when there is one in its place; `PASSPHRASE_WRONG` as `provePassphrase`
   */
  async generate(slot: KeySlot, algorithm: KeyAlgorithm): Promise<StoredKey> {
    if (this.#isTaken(slot)) throw keyExists(slot, this.#placeToMake(slot))
    const { privateKey } = await generateKeyPair(algorithm, { rsaBits: CA_RSA_BITS })
    return this.#store(slot, privateKey, this.#placeToMake(slot))
  }

  /**
   * The key that is in its place already, as after a crash between making and recording it; else a new one.
   *
   * @throws AuthorityError `KEY_MISMATCH` when the one there was made for another slot or algorithm; as `open` does
   */
  async ensure(slot: KeySlot, algorithm: KeyAlgorithm): Promise<StoredKey> {
    if (!this.#isTaken(slot)) return this.generate(slot, algorithm)
    const found = describe(await this.#read(slot))
    if (found.algorithm !== algorithm)
      throw keyMismatch(slot, this.pathOf(slot), `is ${found.algorithm}, not ${algorithm}`)
    return found
  }

  /**
   * @throws AuthorityError `KEY_MISSING`; `KEY_MISMATCH` when the file holds another key than the inventory says;
   *   `PASSPHRASE_WRONG`, `ENVELOPE_INVALID`; `KEY_IN_CLEAR` when it is unencrypted and the config doesn't allow that
   */
  async open(slot: KnownKey): Promise<Signer> {
    const kept = this.#kept.get(slot.spkiHash)
    if (kept !== undefined) {
      this.check(slot)
      return kept
    }
    const key = await this.#read(slot)
    if (describe(key).spkiHash !== slot.spkiHash) throw this.#anotherKey(slot)
    const signer = localSigner(key)
    if (slot.kind === 'bundle-key') this.#kept.set(slot.spkiHash, signer)
    return signer
  }

  /**
   * Looks at a key without opening it, so at no cost and without the passphrase: it is there, and says of itself what
   * the inventory says of it.
   *
   * @throws AuthorityError `KEY_MISSING`, `KEY_MISMATCH`, `KEY_IN_CLEAR`, `ENVELOPE_INVALID`
   */
  check(slot: KnownKey): void {
    const pem = this.#readFile(slot)
    const spkiHash = isEnvelope(pem)
      ? this.#nameIn(pem, slot).spkiHash
      : describe(this.#clearKey(pem, slot)).spkiHash
    if (spkiHash !== slot.spkiHash) throw this.#anotherKey(slot)
  }

  /**
   * `open`, for as long as `use` runs: afterwards the signer signs no more, and the key is left to be collected. Who asks for it
   * meanwhile signs with what is open. The signer also throws what `checkMaySign` does.
   */
  async withSigner<T>(slot: KnownKey, use: (signer: Signer) => Promise<T>): Promise<T> {
    const { spkiHash } = slot
    const shared = this.#inUse.get(spkiHash)
    if (shared !== undefined) this.check(slot)
    let opened: Signer | undefined = shared ?? (await this.open(slot))
    if (shared === undefined) this.#inUse.set(spkiHash, opened)
    const { algorithm, spki } = opened
    let signatures = 0
    const sign = async (message: Uint8Array) => {
      if (opened === undefined) throw new TypeError(`the key of ${slot.id} is closed`)
      this.#options.checkMaySign?.()
      signatures++
      return opened.sign(message)
    }
    try {
      return await use({ algorithm, spki, sign })
    } finally {
      opened = undefined
      if (shared === undefined) this.#inUse.delete(spkiHash)
      if (signatures > 0) await this.#options.used?.(slot, signatures)
    }
  }

  /**
   * Takes over a key that exists (`mtls apply --adopt-ca`): PKCS#8, encrypted PKCS#8, or the older EC and RSA forms. A
   * file in its place is replaced only when it holds this very key. One that is encrypted is opened with the passphrase of the
   * CA keys, and sealed with it; one that this has sealed before is taken too.
   *
   * @param pem the existing key
   * @param spki DER SubjectPublicKeyInfo of the certificate it must belong to
   * @throws AuthorityError `KEY_INVALID`, `KEY_MISMATCH`, `PASSPHRASE_WRONG`, `KEY_EXISTS`, and as `passphrase` does
   */
  async import(slot: KeySlot, pem: Uint8Array, spki: Uint8Array): Promise<StoredKey> {
    const key = isEnvelope(pem) ? await this.#unsealed(slot, pem) : this.#foreignKey(slot, pem)
    const found = supported(slot, key)
    if (Buffer.compare(found.spki, spki) !== 0) throw notItsKey(slot)
    if (this.#isTaken(slot) && !this.#holdsSame(slot, found.spkiHash))
      throw keyExists(slot, this.pathOf(slot))
    return this.#store(slot, key, this.#placeToMake(slot))
  }

  /**
   * Encrypts a key in its place, where it lies in clear and the config doesn't say so.
   *
   * @returns whether that was so
   * @throws AuthorityError `PASSPHRASE_WRONG` as `provePassphrase`
   */
  async seal(slot: KnownKey): Promise<boolean> {
    const path = this.pathOf(slot)
    if (this.#options.storeInClear || !this.#isThere(path)) return false
    const pem = this.#readFile(slot)
    if (isEnvelope(pem) || isEncrypted(pem)) return false
    const key = lastUse(pem, () => parseKey(slot, pem))
    // Another root may have the seat.
    if (describe(key).spkiHash !== slot.spkiHash) return false
    await this.#store(slot, key, path)
    return true
  }

  /**
   * Seals the key in a file with another passphrase. One that is sealed with that already is left as it is, and so is one in clear.
   *
   * @returns whose key was sealed anew, as its file says
   * @throws AuthorityError `PASSPHRASE_WRONG` when neither opens it; `ENVELOPE_INVALID`
   */
  async reseal(path: string, next: Passphrase): Promise<KnownKey | undefined> {
    const pem = this.#pemIn(path)
    if (pem === undefined || !isEnvelope(pem)) return undefined
    const { slot: id, kind, spkiHash } = nameIn(path, pem)
    const key = await this.#unsealed({ id, kind }, pem).catch(async (error: unknown) => {
      if (!isWrongPassphrase(error) || !(await opens(pem, next))) throw error
      return undefined
    })
    if (key === undefined) return undefined
    await this.#store({ id, kind }, key, path, next)
    this.#proven = undefined
    return { id, kind, spkiHash }
  }

  #ownPath({ id }: KeySlot): string {
    return join(this.#options.folder, `${id}.key`)
  }

  /** The first root is made where it will sit. */
  #placeToMake(slot: KeySlot): string {
    return slot.kind === 'root' && slot.id === FIRST_ROOT ? this.#options.rootKey : this.#ownPath(slot)
  }

  /** Whether there is a file where a new key would lie, whatever is in it. */
  #isTaken(slot: KeySlot): boolean {
    return this.#isThere(this.#ownPath(slot)) || this.#isThere(this.#placeToMake(slot))
  }

  #isThere(path: string): boolean {
    return this.#options.disk.kindOf(path) !== undefined
  }

  /** The hash of the key that a file says it holds; nothing is opened. */
  #keyIn(path: string, slot: KeySlot): string {
    const pem = this.#pemIn(path)
    if (pem === undefined) throw keyMissing(slot, path)
    return isEnvelope(pem) ? nameIn(path, pem).spkiHash : describe(this.#clearKey(pem, slot)).spkiHash
  }

  #copy(from: string, to: string): void {
    const pem = this.#pemIn(from)
    if (pem !== undefined) this.#options.disk.writeFileAtomic(to, pem, { mode: 0o600 })
  }

  async #store(slot: KeySlot, key: KeyObject, path: string, sealedWith?: Passphrase): Promise<StoredKey> {
    const { disk, storeInClear, randomBytes, cost } = this.#options
    const stored = describe(key)
    const name = { slot: slot.id, kind: slot.kind, spkiHash: stored.spkiHash }
    const seal = async () => {
      const passphrase = sealedWith ?? (await this.#passphraseToSealWith())
      const der = key.export({ type: 'pkcs8', format: 'der' })
      try {
        return await sealKey(der, { name, passphrase, randomBytes, cost })
      } finally {
        der.fill(0)
      }
    }
    const pem = storeInClear ? key.export({ type: 'pkcs8', format: 'pem' }) : await seal()
    disk.ensureFolder(dirname(path), path === this.#options.rootKey ? 0o755 : 0o700)
    disk.writeFileAtomic(path, pem, { mode: 0o600 })
    return stored
  }

  async #passphraseToSealWith(): Promise<Passphrase> {
    const witness = this.#anEnvelope()
    const passphrase = this.#options.passphrase({ mayMake: witness === undefined })
    if (this.#proven?.equals(passphrase)) return passphrase
    if (witness === undefined) return this.#trying(() => longEnough(passphrase))
    await this.#trying(() => checkPassphrase(witness, passphrase))
    this.#proven = passphrase
    return passphrase
  }

  async #trying<Result>(use: () => Result | Promise<Result>): Promise<Result> {
    try {
      return await use()
    } catch (error) {
      const isShort = error instanceof AuthorityError && error.code === 'PASSPHRASE_SHORT'
      if (isShort || isWrongPassphrase(error)) this.#options.passphraseWrong?.()
      throw error
    }
  }

  /** The first by name, a bundle key's where there is one. The root in the seat is asked where it is not to give way to its own file. */
  #anEnvelope(): Uint8Array | undefined {
    for (const path of this.paths()) {
      const pem = this.#pemIn(path)
      if (pem === undefined || !isEnvelope(pem)) continue
      const { slot: id, kind } = nameIn(path, pem)
      if (path !== this.#options.rootKey || !this.#isThere(this.#ownPath({ id, kind }))) return pem
    }
    return undefined
  }

  async #read(slot: KeySlot): Promise<KeyObject> {
    const pem = this.#readFile(slot)
    return isEnvelope(pem) ? this.#unsealed(slot, pem) : this.#clearKey(pem, slot)
  }

  async #unsealed(slot: KeySlot, pem: Uint8Array): Promise<KeyObject> {
    const name = this.#nameIn(pem, slot)
    const passphrase = this.#options.passphrase({ mayMake: false })
    const der = await this.#trying(() => openKey(pem, passphrase))
    this.#proven = passphrase
    const key = lastUse(der, () => createPrivateKey({ key: bufferOver(der), format: 'der', type: 'pkcs8' }))
    if (describe(key).spkiHash !== name.spkiHash) throw this.#anotherKey(slot)
    return key
  }

  #nameIn(pem: Uint8Array, slot: KeySlot): KeyName {
    const name = nameIn(this.pathOf(slot), pem)
    if (name.slot === slot.id && name.kind === slot.kind) return name
    throw keyMismatch(slot, this.pathOf(slot), `is the key of ${name.slot} (${name.kind})`)
  }

  /** @param pem wiped here */
  #clearKey(pem: Uint8Array, slot: KeySlot): KeyObject {
    return lastUse(pem, () => {
      if (!this.#options.storeInClear) throw keyInClear(slot, this.pathOf(slot))
      if (isEncrypted(pem))
        throw keyInvalid(slot, 'is encrypted, and not by mtls. Put the file back that mtls wrote')
      return parseKey(slot, pem)
    })
  }

  #anotherKey(slot: KeySlot): AuthorityError {
    return keyMismatch(slot, this.pathOf(slot), 'holds another key than the one that was made for it')
  }

  #readFile(slot: KeySlot): Uint8Array {
    const path = this.pathOf(slot)
    const pem = this.#pemIn(path)
    if (pem === undefined) throw keyMissing(slot, path)
    return pem
  }

  #pemIn(path: string): Uint8Array | undefined {
    return this.#options.disk.readChecked(path, { maxBytes: MAX_FILE_BYTES, refuseLooserThan: 0o600 })
  }

  #holdsSame(slot: KeySlot, spkiHash: string): boolean {
    const pem = this.#readFile(slot)
    if (isEnvelope(pem)) return nameIn(this.pathOf(slot), pem).spkiHash === spkiHash
    return describe(this.#foreignKey(slot, pem)).spkiHash === spkiHash
  }

  #foreignKey(slot: KeySlot, pem: Uint8Array): KeyObject {
    if (!isEncrypted(pem)) return parseKey(slot, pem)
    const passphrase = this.#options.passphrase({ mayMake: false })
    const key = parseKey(slot, pem, passphrase)
    this.#proven = passphrase
    return key
  }
}

/** An envelope does not know where it lies. @throws AuthorityError `ENVELOPE_INVALID` */
function nameIn(path: string, pem: Uint8Array): KeyName {
  try {
    return envelopeName(pem)
  } catch (cause) {
    if (!(cause instanceof AuthorityError)) throw cause
    throw new AuthorityError(cause.code, `${path}: ${cause.message}`, { cause, data: { path } })
  }
}

/** Wipes a secret once it was used, whatever has come of that. */
function lastUse<Result>(secret: Uint8Array, use: () => Result): Result {
  try {
    return use()
  } finally {
    secret.fill(0)
  }
}

async function opens(pem: Uint8Array, passphrase: Passphrase): Promise<boolean> {
  try {
    ;(await openKey(pem, passphrase)).fill(0)
    return true
  } catch (error) {
    if (isWrongPassphrase(error)) return false
    throw error
  }
}

function isWrongPassphrase(error: unknown): boolean {
  return error instanceof AuthorityError && error.code === 'PASSPHRASE_WRONG'
}

function isEnvelope(pem: Uint8Array): boolean {
  return bufferOver(pem).includes(`-----BEGIN ${envelopeLabel}-----`)
}
