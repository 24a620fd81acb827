import type { Transaction } from './contract.ts'

/** A `write` that waits for its commit. */
export interface Job {
  readonly work: (transaction: Transaction) => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * Settles every job it is given, synchronously.
 *
 * @param isLast they are not tried again
 * @returns false where somebody else holds what is written to: then none of them was begun, and they wait
 */
export type Flush = (jobs: readonly Job[], isLast: boolean) => boolean

/** How often they are tried, and how long after each try the next one comes, milliseconds. */
const MOST_TRIES = 50
const RETRY_AFTER = 50

/**
 * Gathers the writes of one turn of the event loop, so that they share one durable commit (guarantee 4).
 *
 * No timer: the flush comes right after the events that are being handled now, and while it runs, what comes in
 * gathers for the next. Only where somebody else is in the way is it tried again after a while, and what comes in until then
 * goes with it.
 */
export class CommitQueue {
  readonly #flush: Flush
  #waiting: Job[] = []
  #scheduled = false

  constructor(flush: Flush) {
    this.#flush = flush
  }

  add<T>(work: (transaction: Transaction) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject })
      if (this.#scheduled) return
      this.#scheduled = true
      setImmediate(() => this.#try(1))
    })
  }

  /** What waits is written now or never. */
  flushNow(): void {
    this.#flushAll(true)
  }

  #try(nth: number): void {
    if (this.#flushAll(nth === MOST_TRIES)) return
    this.#scheduled = true
    setTimeout(() => this.#try(nth + 1), RETRY_AFTER)
  }

  /** @returns whether nobody has to wait */
  #flushAll(isLast: boolean): boolean {
    this.#scheduled = false
    const jobs = this.#waiting
    this.#waiting = []
    if (jobs.length === 0 || this.#flush(jobs, isLast)) return true
    this.#waiting = jobs
    return false
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
