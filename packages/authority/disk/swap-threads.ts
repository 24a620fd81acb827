import { Worker } from 'node:worker_threads'
import { AuthorityError } from '../error.ts'
import type { Disk } from './disk.ts'
import { type SwapOrder, type Swapped, swapPair } from './swap-pair.ts'

/** A refusal is what an error of ours is made of: the error itself can't be handed over. */
export type Answer =
  | { readonly swapped: Swapped }
  | { readonly refusal: Pick<AuthorityError, 'code' | 'message' | 'data' | 'cause'> }

/** Waiting takes no core, but of more at once a disk makes little: 16 were no faster than 8, and took longer to start. */
const MOST = 8

/** So many wait for one thread before another is worth its start. */
const TO_EACH = 8

/** Whoever swaps pairs, one or many at a time. */
export interface SwapThreads {
  /** Resolves when the pair is on disk. @throws AuthorityError as `swapPair` */
  swap(order: SwapOrder): Promise<Swapped>
}

/**
 * Lets `use` swap pairs on threads, so that many wait for the disk beside each other, and share what the file system commits.
 * On a disk of a test's own they are swapped here, one after the other.
 *
 * @param atOnce how many will wait at most
 */
export async function withSwapThreads<Result>(
  disk: Disk,
  atOnce: number,
  use: (threads: SwapThreads) => Promise<Result>,
): Promise<Result> {
  if (!disk.isOfSystem) return use({ swap: async (order) => swapPair(disk, order) })
  const threads = new RealThreads(atOnce)
  try {
    return await use(threads)
  } finally {
    await threads.close()
  }
}

/** What is asked for in one turn of the event loop is dealt out as one message to each, which is what makes asking cheap. */
class RealThreads implements SwapThreads {
  readonly #threads: readonly SwapThread[]
  #waiting: Asked[] = []

  constructor(atOnce: number) {
    const length = Math.max(1, Math.min(MOST, Math.ceil(atOnce / TO_EACH)))
    this.#threads = Array.from({ length }, () => new SwapThread())
  }

  swap(order: SwapOrder): Promise<Swapped> {
    if (this.#waiting.length === 0) setImmediate(() => this.#deal())
    const { promise, resolve, reject } = Promise.withResolvers<Swapped>()
    this.#waiting.push({ order, resolve, reject })
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

/** What is asked for, and whom to tell what became of it. */
interface Asked {
  readonly order: SwapOrder
  readonly resolve: (swapped: Swapped) => void
  readonly reject: (error: unknown) => void
}

class SwapThread {
  readonly #worker = new Worker(new URL(import.meta.resolve('#swap-thread')))
  /** Each is answered by itself, in order. */
  readonly #asked: Asked[] = []
  /** Of what it has died. */
  #failure: unknown

  constructor() {
    this.#worker.on('message', (answer: Answer) => this.#settle(answer))
    this.#worker.on('error', (error) => this.#fail(error))
  }

  ask(all: readonly Asked[]): void {
    if (all.length === 0) return
    this.#asked.push(...all)
    if (this.#failure === undefined) this.#worker.postMessage(all.map(({ order }) => order))
    else this.#fail(this.#failure)
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #settle(answer: Answer): void {
    const { resolve, reject } = this.#asked.shift()!
    if ('swapped' in answer) resolve(answer.swapped)
    else reject(new AuthorityError(answer.refusal.code, answer.refusal.message, answer.refusal))
  }

  #fail(error: unknown): void {
    this.#failure = error
    for (const { reject } of this.#asked.splice(0)) reject(error)
  }
}
