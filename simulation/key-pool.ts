import { createECDH, createPrivateKey, createPublicKey, hash, type KeyObject } from 'node:crypto'
import type { KeyPair } from '../packages/pki/keys/key-algorithm.ts'

const ORDER_BYTES = 32

/** P-256 key pairs by a seed: making them is nine tenths of a signature's cost, and they are the same on every run. */
export class KeyPool {
  readonly #seed: string
  readonly #pairs: KeyPair[] = []
  #next = 0

  /** @param size after so many the first comes again */
  constructor(seed: string, size: number) {
    this.#seed = seed
    this.#size = size
  }

  readonly #size: number

  readonly next = (): KeyPair => {
    const number = this.#next++ % this.#size
    this.#pairs[number] ??= pairOf(`${this.#seed}/${number}`)
    return this.#pairs[number]
  }
}

function pairOf(seed: string): KeyPair {
  const secret = hash('sha256', seed, 'buffer')
  // Far below the order of the curve.
  secret[0]! >>= 1
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(secret)
  const point = ecdh.getPublicKey()
  const [x, y] = [point.subarray(1, 1 + ORDER_BYTES), point.subarray(1 + ORDER_BYTES)]
  const jwk = { kty: 'EC', crv: 'P-256', d: text(secret), x: text(x), y: text(y) }
  const privateKey: KeyObject = createPrivateKey({ key: jwk, format: 'jwk' })
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}
