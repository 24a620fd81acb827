import type { Engine } from '../engine/engine.ts'
import type { AcknowledgementRow } from '../store/rows.ts'

/** How long acknowledgements gather before they are written. Milliseconds. */
const GATHER = 50

/**
 * Puts acknowledgements on record, those that come together in one transaction: a thousand peers answer one bundle. One that
 * is lost in a crash is no loss, because whoever lives says it again. Whoever has left does not, so that is on record too.
 */
export class AcknowledgementLog {
  readonly #engine: Pick<Engine, 'store' | 'clock' | 'report'>
  #waiting = new Map<string, AcknowledgementRow>()
  /** By instance: when it has left, or that it has come again, since what it said last. */
  #leaving = new Map<string, number | undefined>()
  #timer: NodeJS.Timeout | undefined

  constructor(engine: Pick<Engine, 'store' | 'clock' | 'report'>) {
    this.#engine = engine
  }

  /** Of each instance the last one counts. */
  add(row: AcknowledgementRow): void {
    this.#waiting.set(row.instance, row)
    this.#leaving.delete(row.instance)
    this.#writeSoon()
  }

  /** Nobody runs any more who has said something for this instance. */
  left(instance: string): void {
    this.#leaving.set(instance, this.#engine.clock())
    this.#writeSoon()
  }

  /** Somebody runs again. */
  came(instance: string): void {
    this.#leaving.set(instance, undefined)
    this.#writeSoon()
  }

  #writeSoon(): void {
    this.#timer ??= setTimeout(() => void this.write(), GATHER)
  }

  /** Writes what has gathered, now. Never rejects. */
  async write(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const [rows, leaving] = [this.#waiting, this.#leaving]
    this.#waiting = new Map()
    this.#leaving = new Map()
    const { store, report, clock } = this.#engine
    try {
      await store.write((transaction) => {
        for (const row of rows.values()) transaction.putAcknowledgement(row)
        // What was said last may have been on its way to the disk when its sender left.
        for (const row of leaving.size > 0 ? transaction.acknowledgements() : []) {
          const leftAt = leaving.get(row.instance)
          if (leaving.has(row.instance) && leftAt !== row.leftAt)
            transaction.putAcknowledgement({ ...row, leftAt })
        }
      })
    } catch (error) {
      const detail = { error: error instanceof Error ? error.message : String(error) }
      report({ kind: 'store-failed', subject: 'mesh', at: clock(), detail })
    }
  }
}
