import { hash } from 'node:crypto'

/** Chance, by a seed: the same draws on every run. Never for real keys. */
export class Draw {
  readonly #seed: string
  readonly #state: Uint32Array

  constructor(seed: string) {
    this.#seed = seed
    const digest = hash('sha256', seed, 'buffer')
    this.#state = Uint32Array.from([0, 4, 8, 12], (at) => digest.readUInt32LE(at))
  }

  /** Chance of its own: what draws from it takes no draw away from others. */
  fork(name: string): Draw {
    return new Draw(`${this.#seed}/${name}`)
  }

  /** From 0 to below 1. */
  unit(): number {
    return this.#next() / 2 ** 32
  }

  chance(probability: number): boolean {
    return this.unit() < probability
  }

  between(least: number, most: number): number {
    return least + this.unit() * (most - least)
  }

  /** As likely between 1 and 10 as between 10 and 100. */
  scale(least: number, most: number): number {
    return least * (most / least) ** this.unit()
  }

  /** A whole number, both ends included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.unit() * (most - least + 1))
  }

  one<T>(of: readonly T[]): T {
    return of[Math.floor(this.unit() * of.length)] as T
  }

  readonly bytes = (length: number): Uint8Array => {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += 4) {
      const word = this.#next()
      for (let octet = 0; octet < 4 && at + octet < length; octet++) bytes[at + octet] = word >>> (8 * octet)
    }
    return bytes
  }

  /** sfc32 of Chris Doty-Humphrey's PractRand. */
  #next(): number {
    const s = this.#state
    const [a, b, c, counter] = s as unknown as [number, number, number, number]
    const next = (a + b + counter) >>> 0
    s[3] = counter + 1
    s[0] = b ^ (b >>> 9)
    s[1] = c + (c << 3)
    s[2] = ((c << 21) | (c >>> 11)) + next
    return next
  }
}
