import type { Transaction } from './contract.ts'

/** A `write` that waits for its commit. */
export interface Job {
  readonly work: (transaction: Transaction) => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers the writes of one turn of the event loop, so that they share one durable commit (guarantee 4).
 *
 * No timer: the flush comes right after the events that are being handled now, and while it runs, what comes in
 * gathers for the next. `flush` is synchronous, and settles every job it is given.
 */
export class CommitQueue {
  readonly #flush: (jobs: readonly Job[]) => void
  #waiting: Job[] = []
  #scheduled = false

  constructor(flush: (jobs: readonly Job[]) => void) {
    this.#flush = flush
  }

  add<T>(work: (transaction: Transaction) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject })
      if (this.#scheduled) return
      this.#scheduled = true
      setImmediate(() => this.flushNow())
    })
  }

  flushNow(): void {
    this.#scheduled = false
    const jobs = this.#waiting
    this.#waiting = []
    if (jobs.length > 0) this.#flush(jobs)
  }
}

/** Runs the work of a job; a promise would outlive the transaction, and is refused. */
export function runWork(job: Job, transaction: Transaction): unknown {
  const value = job.work(transaction)
  if (typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function') {
    throw new TypeError('the work of a write must be synchronous, and this one returned a promise')
  }
  return value
}
