import { hash } from 'node:crypto'
import type { AuthorityReader, LogFinding, PromisedCertificate } from '@datapunk/authority'
import { outdated, readCheckpoint, readEntries } from '@datapunk/log'
import { certificateOfEntry, type TileLeaf } from '@datapunk/pki'
import { tilesOfEntries } from '@datapunk/protocol'
import { compareTrees, type ReadTile, type SignedCheckpoint, TILE_WIDTH, tilePath } from '@datapunk/tlog'
import type { LogSource } from '../logs/log-source.ts'

export interface FollowerListener {
  readonly entry: (entry: TileLeaf) => void
  readonly finding: (finding: LogFinding) => void
}

type Record = Pick<AuthorityReader, 'compareEntry' | 'promisedBy'>

/**
 * Follows a log from its first entry on, and holds it against the inventory, both ways: what is logged and not on record, and
 * what is on record as logged and is not there.
 */
export class LogFollower {
  readonly #source: LogSource
  readonly #record: Record
  readonly #listener: FollowerListener
  /** Of what has not ended: the hashes of what entries hold. */
  readonly #seen = new Map<string, number>()
  readonly #missing = new Set<string>()
  #checkpoint: SignedCheckpoint | undefined
  #read = 0

  constructor(source: LogSource, record: Record, listener: FollowerListener) {
    this.#source = source
    this.#record = record
    this.#listener = listener
  }

  /** How many entries the log had at the last look. */
  get size(): number {
    return this.#checkpoint?.size ?? 0
  }

  /**
   * Looks at what is new.
   *
   * @param now milliseconds since the epoch
   * @throws LogError, ProtocolError, TlogError, PkiError where the log can't be read, or what it shows is not as it has signed it
   */
  async look(now: number): Promise<void> {
    // First, so that what is issued while the log is read is not missed in it.
    const promised = this.#record.promisedBy(this.#source.log.spki)
    const { read, log } = this.#source
    const checkpoint = await readCheckpoint(read, log)
    if (checkpoint !== undefined) {
      const before = this.#checkpoint
      // Of one tree the first: since then it holds.
      if (before === undefined || (await this.#isAnother(before, checkpoint))) this.#checkpoint = checkpoint
      for (const tile of tilesOfEntries(this.#read, checkpoint.size))
        await this.#readTile(tile, checkpoint, now)
    }
    this.#findMissing(promised)
    for (const [tbsHash, end] of this.#seen) if (end <= now) this.#seen.delete(tbsHash)
  }

  /** @throws LogError `LOG_UNREADABLE` it is an older one, which says nothing */
  async #isAnother(before: SignedCheckpoint, next: SignedCheckpoint): Promise<boolean> {
    const read: ReadTile = async (tile) => (await this.#source.read(tilePath(tile))) ?? new Uint8Array()
    const found = await compareTrees(before, next, read)
    if (found === 'outdated') throw outdated(before, next)
    if (found === 'follows') return next.size !== before.size
    this.#read = Math.min(this.#read, next.size)
    this.#listener.finding({
      kind: 'alarm',
      message: `the log has signed two trees, of ${before.size} and ${next.size} entries, that do not agree: \`mtls compromise --log\` begins another, and issues every certificate anew`,
    })
    return true
  }

  async #readTile(tile: number, checkpoint: SignedCheckpoint, now: number): Promise<void> {
    for (const leaf of await readEntries(this.#source.read, checkpoint, tile)) {
      if (leaf.leafIndex < this.#read) continue
      this.#listener.entry(leaf)
      const findings = this.#record.compareEntry(leaf, this.#source.log.spki)
      for (const finding of findings) this.#listener.finding(finding)
      if (findings.every(({ serial }) => serial !== undefined)) this.#remember(leaf, now)
    }
    this.#read = Math.min((tile + 1) * TILE_WIDTH, checkpoint.size)
  }

  #remember({ entry }: TileLeaf, now: number): void {
    if (entry.type !== 'precert_entry') return
    const { notAfter } = certificateOfEntry(entry)
    if (notAfter > now) this.#seen.set(hash('sha256', entry.tbs), notAfter)
  }

  #findMissing(promised: readonly PromisedCertificate[]): void {
    for (const { serial, instance, tbsHash } of promised) {
      if (this.#seen.has(tbsHash) || this.#missing.has(serial)) continue
      this.#missing.add(serial)
      const of = instance === undefined ? 'the authority' : instance
      this.#listener.finding({
        kind: 'alarm',
        serial,
        message: `the certificate ${serial} of ${of} is on record as logged, and the log of ${this.size} entries does not hold it`,
      })
    }
  }
}
