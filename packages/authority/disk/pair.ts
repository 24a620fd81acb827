import { createPrivateKey } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { type Certificate, decodePem, parseCertificate, spkiOf } from '@datapunk/pki'
import { AuthorityError } from '../error.ts'
import type { Disk } from './disk.ts'
import { ensureInstanceFolder, type FolderOptions, stagingOf } from './instance-folder.ts'
import { currentOf, filesIn, placesOf, stampOf, versionOf, versionsIn } from './pair-places.ts'
import { type SwapOrder, type Swapped, swapPair } from './swap-pair.ts'
import type { SwapThreads } from './swap-threads.ts'

/** What a service serves: its chain and the private key of the leaf, as PEM. */
export interface PairText {
  /** Leaf, then issuing CA. */
  readonly certificatePem: string
  /** PKCS#8, unencrypted. */
  readonly keyPem: string
}

export interface Pair extends PairText {
  readonly version: number
  /** The leaf. */
  readonly certificate: Certificate
}

/** A chain of five certificates of the largest key we issue, and a private key of it, stay far below this. */
const MAX_PEM_BYTES = 256 * 1024
/** How often a read may be overtaken by two swaps before it gives up. */
const READ_ATTEMPTS = 32

/**
 * The folder of one instance: `v7/cert.pem`, `v7/key.pem`, and `current`, a relative link to the version in use.
 *
 * A swap makes the next version in a folder that only the authority enters, moves it in whole, and turns `current` by
 * one rename; so whoever resolves `current` once sees one pair, at every instant and after every crash. Nothing is
 * ever written or removed *inside* a folder that the service's owner may change: he could have put a link in the way.
 */
export class PairFolder {
  readonly #disk: Disk
  readonly #dir: string
  /** The link to the version in use. */
  readonly #current: string

  /** @param dir absolute; the folder above it is the authority's and shared by all instances */
  constructor(dir: string, disk: Disk) {
    this.#disk = disk
    this.#dir = dir
    this.#current = currentOf(dir)
  }

  /**
   * The pair in use; undefined when there has never been one.
   *
   * @throws AuthorityError `PAIR_INVALID` when half of it is missing, unreadable, or the key is of another
   *   certificate; `PERMISSIONS` when others may read the key
   */
  read(): Pair | undefined {
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      const link = this.#disk.readLink(this.#current)
      if (link === undefined) return undefined
      const version = versionOf(link)
      if (version === undefined) throw strangeLink(this.#current, link)
      const pair = this.#readVersion(link)
      if (pair !== undefined) return { version, ...pair, certificate: checkPair(pair, join(this.#dir, link)) }
      // Gone while we read it: two swaps overtook us, and `current` is another by now.
      if (this.#disk.readLink(this.#current) === link) throw halfMissing(join(this.#dir, link))
    }
    throw new AuthorityError('PAIR_INVALID', `${this.#dir} changes faster than it can be read`)
  }

  /**
   * The serial of the pair in use, undefined when there has never been one. A pair that has not changed since it was found whole,
   * or was made, is not read again. Throws as `read`.
   */
  serial(): string | undefined {
    const link = this.#disk.readLink(this.#current)
    if (link === undefined) return undefined
    const whole = wholePairsOn(this.#disk)
    const stamp = stampOf(this.#disk, link, join(this.#dir, link))
    const known = whole.get(this.#dir)
    if (known?.stamp === stamp) return known.serial
    whole.delete(this.#dir)
    const pair = this.read()
    if (pair === undefined) return undefined
    const { serial } = pair.certificate
    if (link === `v${pair.version}`) whole.set(this.#dir, { stamp, serial })
    return serial
  }

  /**
   * Makes `pair` the current one, and returns its version when it is on disk. The version before it stays; older ones,
   * and what a crash left behind, are removed, as far as they can be. When it throws before `current` was turned, the old pair serves on.
   *
   * @throws AuthorityError `PAIR_INVALID` when key and certificate don't belong together; `PERMISSIONS`; `DISK_FAILED`
   */
  swap(pair: PairText, options: FolderOptions): number {
    const { certificate, order } = this.#prepare(pair, options)
    return this.#swapped(certificate, swapPair(this.#disk, order))
  }

  /**
   * `swap` on a thread: whoever swaps many at once waits for the disk beside others. One folder is swapped by one at a time.
   */
  async swapOn(threads: SwapThreads, pair: PairText, options: FolderOptions): Promise<number> {
    const { certificate, order } = this.#prepare(pair, options)
    return this.#swapped(certificate, await threads.swap(order))
  }

  /** The pair that was in use before this one; undefined where it is gone. @throws AuthorityError `PAIR_INVALID` */
  readPrevious(): Pair | undefined {
    const current = versionOf(this.#disk.readLink(this.#current) ?? '')
    const others = versionsIn(this.#disk, this.#dir).filter((one) => one !== current)
    const version = others.reduce((newest, one) => Math.max(newest, one), 0)
    const pair = version === 0 ? undefined : this.#readVersion(`v${version}`)
    return pair && { version, ...pair, certificate: checkPair(pair, join(this.#dir, `v${version}`)) }
  }

  /** Removes the folder with every version in it. @returns whether there was one */
  purge(): boolean {
    const there = this.#disk.kindOf(this.#dir) !== undefined
    const gone = join(stagingOf(this.#dir), `${basename(this.#dir)}.gone`)
    // It lies where only we can reach it.
    for (const leftover of [gone, placesOf(this.#dir).retired]) this.#disk.removeTree(leftover)
    if (!there) return false
    this.#disk.ensureFolder(stagingOf(this.#dir), 0o700)
    this.#disk.rename(this.#dir, gone)
    this.#disk.syncFolder(dirname(this.#dir))
    this.#disk.removeTree(gone)
    return true
  }

  #prepare(pair: PairText, options: FolderOptions): { certificate: Certificate; order: SwapOrder } {
    const certificate = checkPair(pair, this.#dir)
    const { certificatePem, keyPem } = pair
    const folder = ensureInstanceFolder(this.#disk, this.#dir, options)
    const order = { dir: this.#dir, certificatePem, keyPem, ...folder, keyMode: options.keyMode }
    return { certificate, order }
  }

  #swapped({ serial }: Certificate, { version, stamp }: Swapped): number {
    wholePairsOn(this.#disk).set(this.#dir, { stamp, serial })
    return version
  }

  #readVersion(name: string): PairText | undefined {
    const options = { maxBytes: MAX_PEM_BYTES, followLinks: false }
    const folder = join(this.#dir, name)
    const [certificatePath, keyPath] = filesIn(folder)
    const certificate = this.#disk.readChecked(certificatePath, options)
    const key = this.#disk.readChecked(keyPath, { ...options, refuseLooserThan: 0o640 })
    if (certificate === undefined || key === undefined) return undefined
    return { certificatePem: Buffer.from(certificate).toString(), keyPem: Buffer.from(key).toString() }
  }
}

interface WholePair {
  readonly stamp: string
  readonly serial: string
}

/** By the folder of the instance, what was found whole on a disk last, or was made. */
function wholePairsOn(disk: Disk): Map<string, WholePair> {
  const known = wholePairs.get(disk)
  if (known !== undefined) return known
  const none = new Map<string, WholePair>()
  wholePairs.set(disk, none)
  return none
}

const wholePairs = new WeakMap<Disk, Map<string, WholePair>>()

/**
 * @param place for the message
 * @returns the leaf
 * @throws AuthorityError `PAIR_INVALID` when one of them can't be parsed, or they don't belong together
 */
function checkPair({ certificatePem, keyPem }: PairText, place: string): Certificate {
  const certificate = parsed(() => leafIn(certificatePem), `${place}: the certificate`)
  const spki = parsed(() => spkiOf(createPrivateKey(keyPem)), `${place}: the key`)
  if (Buffer.compare(spki, certificate.spki) !== 0)
    throw pairInvalid(`${place}: the key is not the certificate's`)
  return certificate
}

function leafIn(chainPem: string): Certificate {
  const [leaf] = decodePem(chainPem, 'CERTIFICATE')
  return parseCertificate(leaf!)
}

function parsed<T>(parse: () => T, what: string): T {
  try {
    return parse()
  } catch (cause) {
    throw pairInvalid(`${what} can't be read`, cause)
  }
}

function halfMissing(folder: string): AuthorityError {
  return pairInvalid(`${folder} lacks its certificate or its key`)
}

function strangeLink(path: string, found: string): AuthorityError {
  return pairInvalid(`${path} points to ${found}, which is no version of it`)
}

/** Whatever is wrong with a pair of ours, a new one mends it. */
function pairInvalid(found: string, cause?: unknown): AuthorityError {
  return new AuthorityError(
    'PAIR_INVALID',
    `${found}. Run mtls apply: it issues a new pair and swaps it in`,
    { cause },
  )
}
