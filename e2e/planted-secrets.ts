import { createPrivateKey } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Shorter pieces turn up by chance. Characters. */
const SHORTEST = 12

/** What nobody may ever be told, in every shape in which it could be. */
export class PlantedSecrets {
  readonly #shapes = new Map<string, string>()

  get size(): number {
    return this.#shapes.size
  }

  /** @param name for whoever reads what was found */
  plant(name: string, secret: string | Uint8Array): void {
    const octets = Buffer.from(secret)
    const shapes = [
      octets.toString('latin1'),
      octets.toString('hex'),
      octets.toString('hex').toUpperCase(),
      octets.toString('base64').replace(/=+$/, ''),
      octets.toString('base64url'),
      encodeURIComponent(octets.toString('latin1')),
      JSON.stringify(octets.toString('latin1')).slice(1, -1),
      // As JSON and as `inspect` show octets.
      [...octets].join(','),
      [...octets].map((octet) => octet.toString(16).padStart(2, '0')).join(' '),
    ]
    for (const shape of shapes) if (shape.length >= SHORTEST) this.#shapes.set(shape, name)
  }

  /** Every private key in a folder and below: the lines of its file, and the numbers that it is. */
  plantKeys(folder: string): void {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const path = join(folder, name)
      if (!lstatSync(path).isFile()) continue
      const text = readFileSync(path, 'latin1')
      for (const [pem] of text.matchAll(/-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----/g)) {
        this.#plantKey(name, pem)
      }
    }
  }

  #plantKey(name: string, pem: string): void {
    // The first line of all keys of a kind is the same but for its end: that is what the key is.
    for (const line of pem.split('\n').slice(1, -1)) this.#shapes.set(line.slice(-24), name)
    const { d } = createPrivateKey(pem).export({ format: 'jwk' })
    if (d !== undefined) this.plant(name, Buffer.from(d, 'base64url'))
  }

  /** The names of those that a text tells. */
  toldBy(text: string): string[] {
    return [
      ...new Set(this.#shapes.entries().flatMap(([shape, name]) => (text.includes(shape) ? [name] : []))),
    ]
  }
}
