import type { WindowRecord } from './record.ts'
import { MAX_RECORDS } from './record.ts'

/** Records on their way to lake: what could not be written stays, and goes with the next ones. */
export class Outbox {
  readonly #write: (records: readonly WindowRecord[]) => Promise<void>
  readonly #most: number
  #waiting: WindowRecord[] = []
  #dropped = 0

  /**
   * @param write writes all of them or throws; may be asked twice for the same
   * @param most how many may wait; beyond that the oldest are dropped
   */
  constructor(write: (records: readonly WindowRecord[]) => Promise<void>, most: number) {
    this.#write = write
    this.#most = most
  }

  get waiting(): number {
    return this.#waiting.length
  }

  get dropped(): number {
    return this.#dropped
  }

  put(records: readonly WindowRecord[]): void {
    const all = [...this.#waiting, ...records]
    this.#waiting = all.slice(-this.#most)
    this.#dropped += all.length - this.#waiting.length
  }

  /**
   * @returns how many were written
   * @throws what `write` throws; nothing is lost then
   */
  async send(): Promise<number> {
    let written = 0
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, MAX_RECORDS)
      await this.#write(batch)
      const done = new Set(batch)
      this.#waiting = this.#waiting.filter((record) => !done.has(record))
      written += batch.length
    }
    return written
  }
}
