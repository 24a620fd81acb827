import { hash } from 'node:crypto'
import { merkleTreeLeaf, precertEntry, type TileLeaf, withoutSctList } from '@datapunk/pki'
import { keyIdOf, logFolderId, readLogEntries, type TrustedLog, tilesOfEntries } from '@datapunk/protocol'
import {
  compareTrees,
  HASH_SIZE,
  hashLeaf,
  type ReadTile,
  readProvenTile,
  TILE_WIDTH,
  tileAt,
  tilePath,
} from '@datapunk/tlog'
import type { LoggedCertificate } from '../gate/logged-certificates.ts'
import type { ReadLog } from './log-reader.ts'
import { type Contradiction, opened, recall, type SeenCheckpoint } from './recall.ts'
import type { WitnessMemory } from './witness-memory.ts'

export interface LogWitnessOptions {
  readonly log: TrustedLog
  readonly read: (id: string) => ReadLog
  readonly memory: WitnessMemory
}

/** At one look; the rest at the next ones. A mesh of thousands logs less than these 8192 entries in a day. */
const MAX_TILES = 32

/** A signed note of a log with one signature is under 500 octets. */
const MAX_CHECKPOINT = 4096

/**
 * Follows the checkpoints of one log: each has to hold everything that the one before it held, in the same places. What the
 * log serves is believed as far as it is signed or proven, and no further.
 */
export class LogWitness {
  readonly #options: LogWitnessOptions
  readonly #id: string
  readonly #read: ReadLog
  #last: SeenCheckpoint | undefined
  #contradiction: Contradiction | undefined
  #entriesRead: number | undefined
  #entriesKept: number | undefined
  #remembering: Promise<void> | undefined
  #advancing: Promise<void> | undefined

  constructor(options: LogWitnessOptions) {
    this.#options = options
    this.#id = logFolderId(this.log)
    this.#read = options.read(this.#id)
  }

  /** The id of the log, SHA-256 of its key, lowercase hex. */
  get log(): string {
    return keyIdOf(this.#options.log.spki)
  }

  get origin(): string {
    return this.#options.log.origin
  }

  /** The last one that agrees with all before it. */
  get checkpoint(): SeenCheckpoint | undefined {
    return this.#last
  }

  /** From the moment at which there is one, the log is believed no further. */
  get contradiction(): Contradiction | undefined {
    return this.#contradiction
  }

  /**
   * Looks for a newer checkpoint.
   *
   * @throws Error where the log can't be reached, or what it serves is signed by nobody, proves nothing, or is older: that says
   *   nothing of the log, and another look may
   */
  advance(): Promise<void> {
    this.#advancing ??= this.#advance().finally(() => {
      this.#advancing = undefined
    })
    return this.#advancing
  }

  /**
   * Looks for a certificate where its SCT says that it is. A tile and the checkpoint suffice while the log is small.
   *
   * @returns `later` where the log does not reach so far yet
   * @throws Error as `advance`
   */
  async find({ leaf, issuerSpki, sct }: LoggedCertificate): Promise<'there' | 'absent' | 'later'> {
    const checkpoint = this.#last
    if (checkpoint === undefined || sct.leafIndex >= checkpoint.size) return 'later'
    const id = tileAt(0, Math.floor(sct.leafIndex / TILE_WIDTH), checkpoint.size)!
    const tile = await readProvenTile(id, checkpoint, this.#readTile)
    const entry = precertEntry({
      tbs: withoutSctList(leaf.tbs),
      issuerKeyHash: hash('sha256', issuerSpki, 'buffer'),
    })
    const wanted = hashLeaf(merkleTreeLeaf({ timestamp: sct.timestamp, entry, leafIndex: sct.leafIndex }))
    const place = (sct.leafIndex % TILE_WIDTH) * HASH_SIZE
    return Buffer.compare(tile.subarray(place, place + HASH_SIZE), wanted) === 0 ? 'there' : 'absent'
  }

  /**
   * Reads what is new in the log, or as much of it as is read at once: at first from now on, then, over restarts, from where
   * `keepRead` says.
   *
   * @param each is told of every entry
   * @throws Error as `advance`
   */
  async readNew(each: (entry: TileLeaf) => void): Promise<void> {
    const checkpoint = this.#last
    if (checkpoint === undefined) return
    this.#entriesRead ??= checkpoint.size
    const from = this.#entriesRead
    for (const index of tilesOfEntries(from, checkpoint.size).take(MAX_TILES)) {
      for (const entry of await readLogEntries(this.#read, checkpoint, index))
        if (entry.leafIndex >= from) each(entry)
      this.#entriesRead = Math.min((index + 1) * TILE_WIDTH, checkpoint.size)
    }
  }

  /**
   * Keeps how far it was read, so that no restart reads that again.
   *
   * @param undecided the first entry that is not to count as read yet
   * @throws Error where that can't be kept
   */
  async keepRead(undecided = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.#entriesRead === undefined) return
    const count = Math.min(this.#entriesRead, undecided)
    if (count === this.#entriesKept) return
    await this.#options.memory.keepEntriesRead(this.#id, count)
    this.#entriesKept = count
  }

  async #advance(): Promise<void> {
    this.#remembering ??= this.#remember()
    await this.#remembering
    if (this.#contradiction !== undefined) return
    const next = opened(await this.#read('checkpoint', MAX_CHECKPOINT), this.#options.log)
    const last = this.#last
    if (last !== undefined) {
      const found = await compareTrees(last, next, this.#readTile)
      if (found === 'contradicts') {
        await this.#options.memory.keepContradicting(this.#id, next.signed)
        this.#contradiction = { before: last, after: next }
        return
      }
      if (found === 'outdated')
        throw new Error(`found an older tree, of ${next.size} entries, where ${last.size} were seen`)
      if (last.size === next.size) return
    }
    // Kept first: whoever starts anew goes on from at least as far as anything was decided by.
    await this.#options.memory.keep(this.#id, next.signed)
    this.#last = next
  }

  async #remember(): Promise<void> {
    const { log, memory } = this.#options
    const { last, contradiction, entriesRead } = await recall(log, memory)
    this.#last = last
    this.#contradiction = contradiction
    this.#entriesRead = entriesRead ?? last?.size
    this.#entriesKept = entriesRead
  }

  readonly #readTile: ReadTile = (tile) => this.#read(tilePath(tile), tile.width * HASH_SIZE)
}
