import { Worker } from 'node:worker_threads'
import { AuthorityError } from '../error.ts'
import type { SlowWork } from './slow-work.ts'

/** A refusal, as what an error of ours is made of: it can't be handed over itself. */
export type Answer = Pick<AuthorityError, 'code' | 'message' | 'data' | 'cause'> | undefined

/** Waiting takes no core, but of more at once a disk makes little: 16 were no faster than 8, and took longer to start. */
const MOST = 8

/** So many wait for one thread before another is worth its start. */
const TO_EACH = 8

/**
 * Threads that wait for the disk. What is asked for in one turn of the event loop is dealt out among them as one message
 * each, which is what makes asking cheap.
 */
export class DiskThreads {
  readonly #threads: readonly DiskThread[]
  #waiting: Asked[] = []

  /** @param atOnce how many will wait at most */
  constructor(atOnce: number) {
    const length = Math.max(1, Math.min(MOST, Math.ceil(atOnce / TO_EACH)))
    this.#threads = Array.from({ length }, () => new DiskThread())
  }

  /** @throws AuthorityError what `Disk.finish` throws */
  finish(work: SlowWork): Promise<void> {
    if (this.#waiting.length === 0) setImmediate(() => this.#deal())
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ work, resolve, reject })
    return promise
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()))
  }

  #deal(): void {
    const waiting = this.#waiting
    this.#waiting = []
    const length = this.#threads.length
    for (const [index, thread] of this.#threads.entries()) {
      thread.ask(waiting.filter((_, place) => place % length === index))
    }
  }
}

/** Work, and whom to tell what became of it. */
interface Asked {
  readonly work: SlowWork
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

class DiskThread {
  readonly #worker = new Worker(new URL('./disk-thread.ts', import.meta.url))
  /** Answers come in the order of the messages. */
  readonly #asked: (readonly Asked[])[] = []
  /** Of what it has died. */
  #failure: unknown

  constructor() {
    this.#worker.on('message', (answers: readonly Answer[]) => this.#settle(answers))
    this.#worker.on('error', (error) => this.#fail(error))
  }

  ask(all: readonly Asked[]): void {
    if (all.length === 0) return
    this.#asked.push(all)
    if (this.#failure === undefined) this.#worker.postMessage(all.map(({ work }) => work))
    else this.#fail(this.#failure)
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #settle(answers: readonly Answer[]): void {
    for (const [index, { resolve, reject }] of this.#asked.shift()!.entries()) {
      const refusal = answers[index]
      if (refusal === undefined) resolve()
      else reject(new AuthorityError(refusal.code, refusal.message, refusal))
    }
  }

  #fail(error: unknown): void {
    this.#failure = error
    for (const { reject } of this.#asked.splice(0).flat()) reject(error)
  }
}
