import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { ConsoleLog, ConsoleProof } from '@datapunk/protocol/console'
import {
  EMPTY_EDGE,
  growTree,
  hashLeaf,
  inclusionProof,
  type SignedCheckpoint,
  signCheckpoint,
  tilePath,
} from '@datapunk/tlog'

interface FakeEntry {
  readonly serial: string
  readonly name: string
  readonly loggedAt: number
  readonly notAfter: number
  /** MerkleTreeLeaf. */
  readonly leaf: Uint8Array
}

/** As many as a page of it has. */
const PAGE = 25

/** A transparency log in memory, with a key, a tree and proofs that are real; of each certificate it has the serial alone. */
export class FakeLog {
  readonly origin = 'authority.service.datapunk/log'
  readonly #entries: FakeEntry[] = []
  readonly #key: KeyObject
  /** SubjectPublicKeyInfo, DER. */
  readonly #spki: Uint8Array
  readonly #clock: () => number

  constructor(clock: () => number) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    this.#key = privateKey
    this.#spki = publicKey.export({ type: 'spki', format: 'der' })
    this.#clock = clock
  }

  /** @param serial lowercase hex, the first digit under 8 */
  add(serial: string, name: string, notAfter: number): void {
    const loggedAt = this.#clock()
    const leaf = precertificateLeaf(serial, loggedAt, this.#entries.length)
    this.#entries.push({ serial, name, loggedAt, notAfter, leaf })
  }

  async page(before: number = this.#entries.length): Promise<ConsoleLog | undefined> {
    if (this.#entries.length === 0) return undefined
    const { size, root, timestamp } = this.#head()
    const shown = this.#entries.slice(Math.max(0, before - PAGE), before)
    return {
      ...{ origin: this.origin, size, root: Buffer.from(root).toString('base64'), signedAt: timestamp },
      entries: shown
        .map(({ leaf, ...entry }, at) => ({ ...entry, index: Math.max(0, before - PAGE) + at }))
        .reverse(),
    }
  }

  async proof(serial: string): Promise<ConsoleProof | undefined> {
    const index = this.#entries.findIndex((entry) => entry.serial === serial)
    if (index === -1) return undefined
    const head = this.#head()
    const tiles = new Map(this.#tree().tiles.map((tile) => [tilePath(tile), tile.octets]))
    const hashes = await inclusionProof(index, head.size, async (id) => tiles.get(tilePath(id))!)
    return {
      ...{ index, serial, origin: this.origin, key: Buffer.from(this.#spki).toString('base64') },
      checkpoint: Buffer.from(await signCheckpoint(head, this.#signer())).toString(),
      leaf: Buffer.from(this.#entries[index]!.leaf).toString('base64'),
      proof: hashes.map((hash) => Buffer.from(hash).toString('base64')),
    }
  }

  #tree() {
    return growTree(
      EMPTY_EDGE,
      this.#entries.map(({ leaf }) => hashLeaf(leaf)),
    )
  }

  #head(): SignedCheckpoint {
    const { root, size } = this.#tree()
    return { origin: this.origin, root, size, timestamp: this.#clock() }
  }

  #signer() {
    return { spki: this.#spki, sign: async (message: Uint8Array) => sign('sha256', message, this.#key) }
  }
}

/**
 * A MerkleTreeLeaf of a precertificate (RFC 6962 3.4), whose TBSCertificate ends after the serial.
 *
 * @param serial lowercase hex, the first digit under 8: it is a positive number as it stands
 */
export function precertificateLeaf(serial: string, loggedAt: number, index: number): Uint8Array {
  const number = Buffer.from(serial, 'hex')
  const tbs = element(
    0x30,
    Buffer.concat([element(0xa0, element(0x02, Buffer.of(2))), element(0x02, number)]),
  )
  const head = Buffer.alloc(12)
  head.writeBigUInt64BE(BigInt(loggedAt), 2)
  head.writeUInt16BE(1, 10)
  const issuerKeyHash = Buffer.alloc(32, 0xcd)
  const extension = Buffer.concat([Buffer.of(0), numbered(5, 2), numbered(index, 5)])
  return Buffer.concat([
    head,
    issuerKeyHash,
    numbered(tbs.length, 3),
    tbs,
    numbered(extension.length, 2),
    extension,
  ])
}

/** DER, of fewer than 128 octets. */
function element(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(tag, content.length), content])
}

function numbered(value: number, octets: number): Buffer {
  const buffer = Buffer.alloc(octets)
  buffer.writeUIntBE(value, 0, octets)
  return buffer
}
