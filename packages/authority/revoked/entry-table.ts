import type { RevokedEntries } from '@datapunk/pki'
import type { RevokedCertificate } from '../store/rows.ts'
import { EntryBucket, type EntrySelection } from './entry-bucket.ts'
import { lastOctet, type Shard, shardIndex } from './list-url.ts'

/**
 * The entries of a CA's lists in the order of their recording. Once somebody has asked for a shard, they are divided by the last
 * octets of their serials: whatever a list is divided into, a part is some of these.
 */
export class EntryTable {
  #buckets = [new EntryBucket()]

  add(row: RevokedCertificate): void {
    this.#bucketOf(lastOctet(row.serial)).add(row)
  }

  /** Lets go of those whose certificates have ended by then, milliseconds since the epoch. */
  dropEnded(time: number): void {
    for (const bucket of this.#buckets) bucket.dropEnded(time)
  }

  /** The number of the last revocation of a shard. */
  lastOf(shard: Shard): number {
    return Math.max(...this.#of(shard).map(({ last }) => last))
  }

  /**
   * @param shard the whole list where left out
   * @returns one after the other, they are the entries of the list
   */
  select(selection: EntrySelection, shard?: Shard): RevokedEntries[] {
    const buckets = shard === undefined ? this.#buckets : this.#of(shard)
    return buckets.flatMap((bucket) => bucket.select(selection))
  }

  #of({ index, shards }: Shard): EntryBucket[] {
    if (this.#buckets.length === 1) this.#divide()
    return this.#buckets.filter((_, octet) => shardIndex(octet, shards) === index)
  }

  #divide(): void {
    const [all] = this.#buckets
    this.#buckets = Array.from({ length: 256 }, () => new EntryBucket())
    all!.divide((octet) => this.#bucketOf(octet))
  }

  /** @param octet the last one of a serial */
  #bucketOf(octet: number): EntryBucket {
    return this.#buckets[this.#buckets.length === 1 ? 0 : octet]!
  }
}
