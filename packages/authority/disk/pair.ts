import { createPrivateKey } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { type Certificate, decodePem, parseCertificate, spkiOf } from '@datapunk/pki'
import { AuthorityError } from '../error.ts'
import type { Disk } from './disk.ts'
import { ensureInstanceFolder, type FolderOptions, stagingOf } from './instance-folder.ts'
import type { Owner } from './numeric-owner.ts'
import type { SlowWork, Unsynced } from './slow-work.ts'

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
const versionName = /^v([1-9][0-9]{0,8})$/

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
  readonly #staging: string

  /** @param dir absolute; the folder above it is the authority's and shared by all instances */
  constructor(dir: string, disk: Disk) {
    this.#disk = disk
    this.#dir = dir
    this.#staging = stagingOf(dir)
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
    const stamp = this.#stampOf(link, join(this.#dir, link))
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
   * and what a crash left behind, are removed. When it throws before `current` was turned, the old pair serves on.
   *
   * @throws AuthorityError `PAIR_INVALID` when key and certificate don't belong together; `PERMISSIONS`; `DISK_FAILED`
   */
  swap(pair: PairText, options: FolderOptions): number {
    const steps = this.#swap(pair, options)
    let step = steps.next()
    while (step.done !== true) {
      const work = step.value
      step = answered(steps, () => this.#disk.finish(work))
    }
    return step.value
  }

  /** The pair that was in use before this one; undefined where it is gone. @throws AuthorityError `PAIR_INVALID` */
  readPrevious(): Pair | undefined {
    const current = versionOf(this.#disk.readLink(this.#current) ?? '')
    const version = Math.max(0, ...this.#versions().filter((one) => one !== current))
    const pair = version === 0 ? undefined : this.#readVersion(`v${version}`)
    return pair && { version, ...pair, certificate: checkPair(pair, join(this.#dir, `v${version}`)) }
  }

  /**
   * `swap`, waiting for the disk beside others: whoever swaps many at once shares the file system's commits, which
   * are nearly all that a swap costs. One folder is swapped by one at a time.
   */
  async swapBeside(pair: PairText, options: FolderOptions): Promise<number> {
    const steps = this.#swap(pair, options)
    let step = steps.next()
    while (step.done !== true) {
      const [done] = await Promise.allSettled([this.#disk.finishBeside(step.value)])
      step = answered(steps, () => {
        if (done.status === 'rejected') throw done.reason
      })
    }
    return step.value
  }

  /** Yields what must be done before it goes on, and is told when it is, or why not. */
  *#swap(pair: PairText, options: FolderOptions): Generator<SlowWork, number, void> {
    const { serial } = checkPair(pair, this.#dir)
    // 1 Folders, and room in them.
    const { owner, mode } = ensureInstanceFolder(this.#disk, this.#dir, options)
    for (const leftover of [this.#made, this.#turned, this.#retired]) this.#disk.removeFolder(leftover)
    const versions = this.#versions()
    const previous = versionOf(this.#disk.readLink(this.#current) ?? '')
    const next = Math.max(previous ?? 0, ...versions) + 1
    const folder = join(this.#dir, `v${next}`)
    let stamp: string
    try {
      // 2 The pair, whole and on disk, where nobody looks.
      const made = this.#make(pair, mode, owner, options.keyMode)
      stamp = this.#stampOf(`v${next}`, this.#made)
      yield made
      // 3 Moved in, under a number that never was; on disk before anything points to it.
      this.#disk.rename(this.#made, folder)
      yield { folders: [this.#dir] }
      // 4 From here on it serves.
      this.#disk.replaceLink(this.#current, `v${next}`, this.#turned)
    } catch (error) {
      this.#quietly(() => this.#discard(next))
      throw error
    }
    yield { folders: [this.#dir] }
    wholePairsOn(this.#disk).set(this.#dir, { stamp, serial })
    // 5 What fails to go now goes at the next swap.
    const old = versions.filter((version) => version !== previous)
    try {
      for (const version of old) yield this.#moveOut(version)
    } catch {}
    return next
  }

  /** Removes the folder with every version in it. @returns whether there was one */
  purge(): boolean {
    const there = this.#disk.kindOf(this.#dir) !== undefined
    const gone = join(this.#staging, `${basename(this.#dir)}.gone`)
    this.#removeMoved(gone)
    if (!there) return false
    this.#disk.ensureFolder(this.#staging, 0o700)
    this.#disk.rename(this.#dir, gone)
    this.#disk.syncFolder(dirname(this.#dir))
    this.#removeMoved(gone)
    return true
  }

  get #current(): string {
    return join(this.#dir, 'current')
  }

  get #made(): string {
    return join(this.#staging, `${basename(this.#dir)}.new`)
  }

  get #turned(): string {
    return join(this.#staging, `${basename(this.#dir)}.link`)
  }

  get #retired(): string {
    return join(this.#staging, `${basename(this.#dir)}.old`)
  }

  /** Changes whenever a version does, or is another: to look at far cheaper than to read it. @param folder where it lies */
  #stampOf(version: string, folder: string): string {
    const [certificate, key] = namesIn(folder).map((path) => this.#disk.stampOf(path))
    return `${version} ${certificate} ${key}`
  }

  #versions(): number[] {
    return this.#disk
      .list(this.#dir)
      .map(versionOf)
      .filter((version) => version !== undefined)
  }

  #make(pair: PairText, folderMode: number, owner: Owner, keyMode: number): Unsynced {
    const [certificate, key] = namesIn(this.#made)
    this.#disk.makeNewFolder(this.#made)
    this.#disk.writeUnsynced(certificate, pair.certificatePem, { mode: 0o644, owner })
    this.#disk.writeUnsynced(key, pair.keyPem, { mode: keyMode, owner })
    this.#disk.dressFolder(this.#made, folderMode, owner)
    return { files: [certificate, key], folders: [this.#made] }
  }

  /** Takes an unfinished swap back; never what `current` points to. */
  #discard(version: number): void {
    this.#disk.removeFolder(this.#made)
    const turned = this.#disk.readLink(this.#current) === `v${version}`
    if (!turned && this.#versions().includes(version)) this.#retire(version)
  }

  #retire(version: number): void {
    this.#disk.removeFolder(this.#moveOut(version).remove)
  }

  #moveOut(version: number): { readonly remove: string } {
    this.#disk.rename(join(this.#dir, `v${version}`), this.#retired)
    return { remove: this.#retired }
  }

  /** It lies where only we can reach it, and is made ours: nothing in it is exchanged under our hands. */
  #removeMoved(gone: string): void {
    if (this.#disk.kindOf(gone) === undefined) return
    this.#disk.takeFolder(gone)
    this.#disk.removeFolder(this.#retired)
    for (const name of this.#disk.list(gone)) {
      this.#disk.rename(join(gone, name), this.#retired)
      this.#disk.removeFolder(this.#retired)
    }
    this.#disk.removeFolder(gone)
  }

  #readVersion(name: string): PairText | undefined {
    const options = { maxBytes: MAX_PEM_BYTES, followLinks: false }
    const folder = join(this.#dir, name)
    const [certificatePath, keyPath] = namesIn(folder)
    const certificate = this.#disk.readChecked(certificatePath, options)
    const key = this.#disk.readChecked(keyPath, { ...options, refuseLooserThan: 0o640 })
    if (certificate === undefined || key === undefined) return undefined
    return { certificatePem: Buffer.from(certificate).toString(), keyPem: Buffer.from(key).toString() }
  }

  #quietly(act: () => void): void {
    try {
      act()
    } catch {}
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

/** Goes on with the steps once `work` has done what they asked for; its failure is theirs to clean up after. */
function answered<Result>(steps: Generator<SlowWork, Result, void>, work: () => void) {
  try {
    work()
  } catch (error) {
    return steps.throw(error)
  }
  return steps.next()
}

function parsed<T>(parse: () => T, what: string): T {
  try {
    return parse()
  } catch (cause) {
    throw pairInvalid(`${what} can't be read`, cause)
  }
}

function namesIn(folder: string): [certificate: string, key: string] {
  return [join(folder, 'cert.pem'), join(folder, 'key.pem')]
}

function versionOf(name: string): number | undefined {
  const digits = versionName.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
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
