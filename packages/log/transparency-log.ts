import { hash } from 'node:crypto'
import {
  checkSubmission,
  encodeSct,
  encodeTileLeaf,
  merkleTreeLeaf,
  PkiError,
  parseDataTile,
  type Signer,
  type Submission,
  signSct,
} from '@datapunk/pki'
import { keyIdOf, type Layout, type LogFolder, type TrustStatement } from '@datapunk/protocol'
import {
  type Candidate,
  follows,
  hashLeaf,
  type LogStore,
  type PublishedCheckpoint,
  Sequencer,
  type TreeRoot,
  tilePath,
} from '@datapunk/tlog'
import { type AboutLog, readAbout } from './about.ts'
import { DiskStore } from './disk-store.ts'
import { HeldTrees } from './held-trees.ts'
import { damaged, ended, isDamage, notOpened, refused, writeFailed } from './log-failure.ts'
import { openLogKey } from './log-key.ts'
import { endUnbegun, findLogs, makeLog, ReplacedLog, removeLog, rewriteAbout } from './make-log.ts'
import { readObject } from './reading/read-log.ts'
import { SqliteLock } from './sqlite-lock.ts'
import { TrustedRoots } from './trusted-roots.ts'

export interface TransparencyLogOptions {
  /** Where logs lie, each in a folder of its own, and where the authority publishes whom to trust. */
  readonly layout: Pick<Layout, 'logsDir' | 'log' | 'mesh'>
  /** The file with the roots; absolute. */
  readonly caCert: string
  /** Undefined for a log that stands alone, which learns of its mesh from the trust statements (`belongTo`). */
  readonly meshId: string | undefined
  /** Of the mesh: after a restore a new log begins. */
  readonly generation: number | undefined
  /** Where logs are served, without a slash at the end: each below it under its id. */
  readonly url: string
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** What clocks may differ by, milliseconds. */
  readonly clockSkew: number
  /** What keeps the objects of a folder; files in it, unless told. */
  readonly storeIn?: (folder: string) => LogStore
}

export interface OpenOptions extends TransparencyLogOptions {
  /** Makes another; the one that was there is added to no more. */
  readonly fresh?: boolean
  /** Lets others reach it; where that fails it is not open, and the one that it was to replace goes on. */
  readonly serve?: (log: TransparencyLog) => Promise<void>
}

export type SubmissionKind = 'chain' | 'pre-chain'

/**
 * The transparency log at work: it takes what chains to a root of its mesh, and answers with an SCT once the entry is there
 * for everybody to see (C2SP static-ct-api; no merge delay).
 */
export class TransparencyLog {
  readonly folder: LogFolder
  readonly trusted: TrustedRoots
  #about: AboutLog
  readonly #options: TransparencyLogOptions
  readonly #signer: Signer
  readonly #lock: SqliteLock
  readonly #store: LogStore
  #sequencer: Sequencer
  #reopening: Promise<void> | undefined
  #joining: Promise<void> | undefined
  /** What was not answered yet. */
  readonly #submitted = new Set<Promise<Uint8Array>>()
  readonly #held = new HeldTrees()

  private constructor(options: TransparencyLogOptions, opened: Opened) {
    this.#options = options
    this.folder = opened.folder
    this.#about = opened.about
    this.#signer = opened.signer
    this.#lock = opened.lock
    this.#store = opened.store
    this.#sequencer = opened.sequencer
    this.trusted = new TrustedRoots({
      mesh: options.layout.mesh,
      caCert: options.caCert,
      memory: opened.folder.trust,
      latest: () => options.clock() + options.clockSkew,
    })
  }

  /**
   * Opens the log of this mesh and generation, or makes the first one of it.
   *
   * @throws LogError `LOG_DAMAGED` where its data are not those of its last checkpoint, `LOG_TAKEN`, `LOG_INVALID`,
   *   `PERMISSIONS`, `LOG_WRITE_FAILED`; and what `serve` throws
   */
  static async open(options: OpenOptions): Promise<TransparencyLog> {
    try {
      const { current, unreadable } = await findLogs(options)
      if (options.fresh && current !== undefined) return await TransparencyLog.#replace(current, options)
      if (!options.fresh && current === undefined && unreadable !== undefined) throw unreadable
      return await TransparencyLog.#serve(current ?? (await makeLog(options)), options)
    } catch (cause) {
      throw notOpened(cause, options.layout.logsDir)
    }
  }

  /** The one that was there ends last: until then nothing has changed. */
  static async #replace(current: LogFolder, options: OpenOptions): Promise<TransparencyLog> {
    const replaced = ReplacedLog.take(current)
    try {
      await endUnbegun(options)
      const folder = await makeLog({ ...options, replaces: current })
      return await TransparencyLog.#serve(folder, options, replaced).catch(async (error) => {
        await removeLog(folder)
        throw error
      })
    } finally {
      replaced.letGo()
    }
  }

  static async #serve(
    folder: LogFolder,
    options: OpenOptions,
    replaced?: ReplacedLog,
  ): Promise<TransparencyLog> {
    const log = new TransparencyLog(options, await openLog(folder, options))
    try {
      if (replaced === undefined) await endUnbegun(options)
      await options.serve?.(log)
      await replaced?.end()
      return log
    } catch (error) {
      await log.close()
      throw error
    }
  }

  /** DER SubjectPublicKeyInfo. */
  get spki(): Uint8Array {
    return this.#signer.spki
  }

  /** Its name in checkpoints. */
  get origin(): string {
    return this.#about.origin
  }

  /** SHA-256 of its key, lowercase hex. */
  get id(): string {
    return keyIdOf(this.spki)
  }

  /** Undefined while the log is empty. */
  get checkpoint(): PublishedCheckpoint | undefined {
    return this.#sequencer.checkpoint
  }

  /**
   * @param chain DER: the certificate or precertificate, and those above it, its issuer first; the root may be left out
   * @returns the SCT, as RFC 6962 3.2 encodes it; of what was logged before, the first one
   * @throws LogError `SUBMISSION_REFUSED`; `LOG_BUSY` when it can take no more just now; `LOG_WRITE_FAILED`: submit it again
   */
  submit(chain: readonly Uint8Array[], kind: SubmissionKind = 'pre-chain'): Promise<Uint8Array> {
    const submitted = this.#submit(chain, kind)
    this.#submitted.add(submitted)
    return submitted.finally(() => this.#submitted.delete(submitted))
  }

  /**
   * Takes the mesh of this statement for its own, where it has none yet. It then is of that one for good, and not beyond a
   * restore: who put the mesh back may have put the log back too.
   *
   * @throws LogError `LOG_ENDED`; `LOG_WRITE_FAILED`: ask again
   */
  async belongTo({ meshId, number: { generation } }: TrustStatement): Promise<void> {
    if (this.#about.meshId === undefined) await this.#join({ ...this.#about, meshId, generation })
    const about = this.#about
    if (about.meshId !== meshId || about.generation !== generation) throw ended(about, generation)
  }

  /**
   * Whether it takes what stands under a root, as far as the trust statements name it by now.
   *
   * @param root DER
   * @throws LogError `LOG_UNREADABLE`
   */
  async takes(root: Uint8Array): Promise<boolean> {
    await this.trusted.refresh()
    return this.trusted.roots.some(({ der }) => Buffer.compare(der, root) === 0)
  }

  /** An object that everybody may read, by its path; undefined where there is none. */
  read(path: string): Promise<Uint8Array | undefined> {
    return this.#store.read(path)
  }

  /**
   * Whether the log began with this tree once, by the tiles of the one that it has now; where these can't be read it says yes.
   *
   * @param tree as a witness has seen it
   */
  holds(tree: TreeRoot): Promise<boolean> {
    return this.#held.has(tree, (tree) => this.#holds(tree)).catch(() => true)
  }

  /** Waits for what was submitted. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#submitted)
    this.#lock.close()
  }

  async #submit(chain: readonly Uint8Array[], kind: SubmissionKind): Promise<Uint8Array> {
    const candidate = this.#candidate(await this.#check(chain, kind))
    try {
      if (this.#sequencer.failure !== undefined) await this.#reopen()
      return await this.#sequencer.add(candidate)
    } catch (cause) {
      throw writeFailed(cause, this.folder)
    }
  }

  #join(about: AboutLog): Promise<void> {
    this.#joining ??= rewriteAbout(this.folder, about)
      .then(() => {
        this.#about = about
      })
      .catch((cause) => {
        throw writeFailed(cause, this.folder)
      })
      .finally(() => {
        this.#joining = undefined
      })
    return this.#joining
  }

  async #holds(tree: TreeRoot): Promise<boolean> {
    const now = this.checkpoint
    if (now === undefined) return false
    return follows(tree, now, (tile) => readObject((path) => this.read(path), tilePath(tile)))
  }

  async #check(chain: readonly Uint8Array[], kind: SubmissionKind): Promise<Submission> {
    const { clock } = this.#options
    const check = () => checkSubmission(chain, { roots: this.trusted.roots, kind, now: clock() })
    try {
      return check()
    } catch (first) {
      if (!(first instanceof PkiError) || first.code !== 'SUBMISSION_ROOT_UNKNOWN') throw refused(first)
    }
    // Its root may be one that was announced since.
    await this.trusted.refresh()
    try {
      return check()
    } catch (cause) {
      throw refused(cause)
    }
  }

  #candidate({ entry, certificate, precertificate, chain }: Submission): Candidate {
    const fingerprints = chain.map((der) => hash('sha256', der, 'buffer'))
    return {
      key: hash('sha256', certificate.der, 'hex'),
      attachments: new Map(chain.map((der, at) => [`issuer/${fingerprints[at]!.toString('hex')}`, der])),
      entryAt: async (leafIndex, timestamp) => {
        const placed = { timestamp, entry, leafIndex }
        const sct = await signSct(placed, this.#signer)
        return {
          leaf: merkleTreeLeaf(placed),
          record: encodeTileLeaf({ ...placed, precertificate, chain: fingerprints }),
          receipt: encodeSct(sct),
        }
      },
    }
  }

  /** After a round that failed nobody knows what was written: it is read again. */
  #reopen(): Promise<void> {
    this.#reopening ??= openSequencer(this.#about, this.#signer, this.#lock, this.#store, this.#options.clock)
      .then((sequencer) => {
        this.#sequencer = sequencer
      })
      .finally(() => {
        this.#reopening = undefined
      })
    return this.#reopening
  }
}

interface Opened {
  readonly folder: LogFolder
  readonly about: AboutLog
  readonly signer: Signer
  readonly lock: SqliteLock
  readonly store: LogStore
  readonly sequencer: Sequencer
}

async function openLog(
  folder: LogFolder,
  { clock, storeIn = (folder) => new DiskStore(folder) }: TransparencyLogOptions,
): Promise<Opened> {
  const about = await readAbout(folder.about)
  const signer = await openLogKey(folder.key)
  const store = storeIn(folder.public)
  let lock: SqliteLock | undefined
  try {
    lock = new SqliteLock(folder.lock)
    const sequencer = await openSequencer(about, signer, lock, store, clock)
    return { folder, about, signer, lock, store, sequencer }
  } catch (cause) {
    lock?.close()
    throw isDamage(cause) ? damaged(folder, cause) : cause
  }
}

function openSequencer(
  { origin }: AboutLog,
  signer: Signer,
  lock: SqliteLock,
  store: LogStore,
  clock: () => number,
): Promise<Sequencer> {
  const leavesOf = (records: Uint8Array) =>
    parseDataTile(records).map((leaf) => hashLeaf(merkleTreeLeaf(leaf)))
  // OpenSSL compares the time of an SCT with its own in whole seconds, and what is later by a millisecond is invalid to it.
  const wholeSeconds = () => Math.floor(clock() / 1000) * 1000
  return Sequencer.open({ store, lock, clock: wholeSeconds, origin, signer, leavesOf })
}
