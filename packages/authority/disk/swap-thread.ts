import { parentPort } from 'node:worker_threads'
import { AuthorityError } from '../error.ts'
import { Disk } from './disk.ts'
import { type SwapOrder, swapPair } from './swap-pair.ts'
import type { Answer } from './swap-threads.ts'

/** One of the threads of `withSwapThreads`: swaps what it is told to, one after the other. In no thread it does nothing. */
const disk = new Disk()

parentPort?.on('message', (orders: readonly SwapOrder[]) => {
  for (const order of orders) parentPort?.postMessage(answerTo(order))
})

function answerTo(order: SwapOrder): Answer {
  try {
    return { swapped: swapPair(disk, order) }
  } catch (error) {
    if (!(error instanceof AuthorityError)) throw error
    const { code, message, data, cause } = error
    return { refusal: { code, message, data, cause } }
  }
}
