import type { RevokedEntries } from '@datapunk/pki'
import type { RevokedCertificate } from '../store/contract.ts'
import { EntryBucket, type EntrySelection } from './entry-bucket.ts'
import { lastOctet, type Shard, shardIndex } from './list-url.ts'

/** The entries of a CA's lists by the last octets of their serials: whatever a list is divided into, a part is some of these. */
export class EntryTable {
  readonly #buckets = Array.from({ length: 256 }, () => new EntryBucket())

  add(row: RevokedCertificate): void {
    this.#buckets[lastOctet(row.serial)]!.add(row)
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
    return this.#of(shard).flatMap((bucket) => bucket.select(selection))
  }

  #of(shard: Shard | undefined): EntryBucket[] {
    if (shard === undefined) return this.#buckets
    return this.#buckets.filter((_, octet) => shardIndex(octet, shard.shards) === shard.index)
  }
}
