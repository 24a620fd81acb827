import type { KeyObject } from 'node:crypto'
import {
  encodeTileLeaf,
  generateKeyPair,
  localSigner,
  logIdOf,
  merkleTreeLeaf,
  type PrecertEntry,
  precertEntry,
  type Sct,
  type Signer,
  sha256,
  signSct,
} from '@datapunk/pki'
import {
  dataTilePath,
  EMPTY_EDGE,
  growTree,
  hashLeaf,
  signCheckpoint,
  TILE_WIDTH,
  tilePath,
} from '@datapunk/tlog'

/** What a log is asked to promise: a certificate without poison and SCTs, as a `Precertificate` has it. */
export interface Loggable {
  /** DER `TBSCertificate`. */
  readonly tbs: Uint8Array
  /** DER SubjectPublicKeyInfo. */
  readonly issuerSpki: Uint8Array
  /** DER, where it is submitted. */
  readonly precertificate?: Uint8Array
}

/** A transparency log for tests, all in memory. It does what it is told: also what no log may. */
export class TestLog {
  readonly signer: Signer
  /** Lowercase hexadecimal, as `verifyScts` knows logs. */
  readonly id: string
  /** Hashes of the entries, in their places; a test may change them. */
  readonly leaves: Uint8Array[] = []
  /** As they lie in data tiles. */
  readonly records: Uint8Array[] = []

  private constructor(signer: Signer) {
    this.signer = signer
    this.id = Buffer.from(logIdOf(signer.spki)).toString('hex')
  }

  static async create(): Promise<TestLog> {
    const { privateKey } = await generateKeyPair('ecdsa-p256')
    return TestLog.of(privateKey)
  }

  static of(privateKey: KeyObject): TestLog {
    return new TestLog(localSigner(privateKey))
  }

  /**
   * An SCT for the next place in the log.
   *
   * @param timestamp milliseconds since the epoch
   */
  sct(loggable: Loggable, timestamp: number): Promise<Sct> {
    const placed = { timestamp, entry: entryOf(loggable), leafIndex: this.leaves.length }
    this.leaves.push(hashLeaf(merkleTreeLeaf(placed)))
    const precertificate = loggable.precertificate ?? Uint8Array.of(0)
    this.records.push(encodeTileLeaf({ ...placed, precertificate, chain: [] }))
    return signSct(placed, this.signer)
  }

  /** An SCT for a place that the entry does not get. */
  promise(loggable: Loggable, timestamp: number, leafIndex: number): Promise<Sct> {
    return signSct({ timestamp, entry: entryOf(loggable), leafIndex }, this.signer)
  }

  /** What it serves, by path: the checkpoint over its entries, and every tile. */
  async files(origin: string, timestamp: number): Promise<Map<string, Uint8Array>> {
    const { root, size, tiles } = growTree(EMPTY_EDGE, this.leaves)
    const checkpoint = await signCheckpoint({ origin, size, root, timestamp }, this.signer)
    const files = new Map([['checkpoint', checkpoint]])
    for (const tile of tiles) {
      files.set(tilePath(tile), tile.octets)
      if (tile.level > 0) continue
      const first = tile.index * TILE_WIDTH
      const records = Buffer.concat(this.records.slice(first, first + tile.width))
      files.set(dataTilePath(tile.index, tile.width), records)
    }
    return files
  }
}

function entryOf({ tbs, issuerSpki }: Loggable): PrecertEntry {
  return precertEntry({ tbs, issuerKeyHash: sha256(issuerSpki) })
}

/** The logs as `verifyScts` wants them. */
export function logsOf(...logs: readonly TestLog[]): ReadonlyMap<string, Uint8Array> {
  return new Map(logs.map(({ id, signer }) => [id, signer.spki]))
}
