import { hash } from 'node:crypto'

/**
 * Octets that look random and are the same on every run: SHA-256 of the seed and a counter. For serials and
 * the like in tests; never for keys.
 *
 * @returns a function that gives the next `length` octets
 */
export function seededRandom(seed: string): (length: number) => Uint8Array {
  let counter = 0
  return (length) => {
    const blocks: Buffer[] = []
    for (let octets = 0; octets < length; octets += 32) {
      blocks.push(hash('sha256', `${seed}/${counter++}`, 'buffer'))
    }
    return Uint8Array.from(Buffer.concat(blocks).subarray(0, length))
  }
}
