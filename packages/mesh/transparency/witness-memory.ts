import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readRegularFile } from '../files/regular-file.ts'
import { writeWhole } from '../files/whole-file.ts'

/** What a service has seen of a log last, as the log has signed it, kept over restarts. */
export interface KeptCheckpoints {
  readonly last: Uint8Array | undefined
  /** One that contradicts it: from then on the log is believed no further. */
  readonly contradicting: Uint8Array | undefined
  /** How many of its entries were read; undefined before any was. */
  readonly entriesRead: number | undefined
}

/** In the folder of what the service believes: `checkpoint-ID.note`, `contradicting-ID.note` and `entries-read-ID`. */
export class WitnessMemory {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async read(id: string): Promise<KeptCheckpoints> {
    const [last, contradicting, read] = await Promise.all([
      this.#read(`checkpoint-${id}.note`),
      this.#read(`contradicting-${id}.note`),
      this.#read(`entries-read-${id}`),
    ])
    const text = Buffer.from(read ?? []).toString()
    return { last, contradicting, entriesRead: /^\d{1,15}$/.test(text) ? Number(text) : undefined }
  }

  keep(id: string, checkpoint: Uint8Array): Promise<void> {
    return this.#write(`checkpoint-${id}.note`, checkpoint)
  }

  keepContradicting(id: string, checkpoint: Uint8Array): Promise<void> {
    return this.#write(`contradicting-${id}.note`, checkpoint)
  }

  keepEntriesRead(id: string, count: number): Promise<void> {
    return this.#write(`entries-read-${id}`, Buffer.from(String(count)))
  }

  /** What can't be read was never kept: the documents beside it are missed too then, and that is told. */
  #read(name: string): Promise<Uint8Array | undefined> {
    return readRegularFile(join(this.#folder, name)).catch(() => undefined)
  }

  async #write(name: string, octets: Uint8Array): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    await writeWhole(join(this.#folder, name), octets)
  }
}
