import type { Engine } from '../engine.ts'
import type { AcknowledgementRow } from '../store/rows.ts'

/** How long acknowledgements gather before they are written. Milliseconds. */
const GATHER = 50

/**
 * Puts acknowledgements on record, those that come together in one transaction: a thousand peers answer one bundle. One that
 * is lost in a crash is no loss, because whoever lives says it again.
 */
export class AcknowledgementLog {
  readonly #engine: Pick<Engine, 'store' | 'clock' | 'report'>
  #waiting = new Map<string, AcknowledgementRow>()
  #timer: NodeJS.Timeout | undefined

  constructor(engine: Pick<Engine, 'store' | 'clock' | 'report'>) {
    this.#engine = engine
  }

  /** Of each instance the last one counts. */
  add(row: AcknowledgementRow): void {
    this.#waiting.set(row.instance, row)
    this.#timer ??= setTimeout(() => void this.write(), GATHER)
  }

  /** Writes what has gathered, now. Never rejects. */
  async write(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const rows = this.#waiting
    this.#waiting = new Map()
    const { store, report, clock } = this.#engine
    try {
      await store.write((transaction) => {
        for (const row of rows.values()) transaction.putAcknowledgement(row)
      })
    } catch (error) {
      const detail = { error: error instanceof Error ? error.message : String(error) }
      report({ kind: 'store-failed', subject: 'mesh', at: clock(), detail })
    }
  }
}
