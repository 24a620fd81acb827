import type { Engine } from '../engine.ts'
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
  #timer: NodeJS.Timeout | undefined

  constructor(engine: Pick<Engine, 'store' | 'clock' | 'report'>) {
    this.#engine = engine
  }

  /** Of each instance the last one counts. */
  add(row: AcknowledgementRow): void {
    this.#waiting.set(row.instance, row)
    this.#timer ??= setTimeout(() => void this.write(), GATHER)
  }

  /** Nobody runs any more who has said something for this instance. */
  left(instance: string): void {
    const row = this.#last(instance)
    if (row !== undefined) this.add({ ...row, leftAt: this.#engine.clock() })
  }

  /** Somebody runs again. */
  came(instance: string): void {
    const row = this.#last(instance)
    if (row?.leftAt !== undefined) this.add({ ...row, leftAt: undefined })
  }

  #last(instance: string): AcknowledgementRow | undefined {
    const waiting = this.#waiting.get(instance)
    return waiting ?? this.#engine.store.acknowledgements().find((row) => row.instance === instance)
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
