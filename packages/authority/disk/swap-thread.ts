import { parentPort } from 'node:worker_threads'
import { AuthorityError } from '../error.ts'
import { Disk } from './disk.ts'
import type { Answer } from './disk-threads.ts'
import type { SlowWork } from './slow-work.ts'

/** One of the threads of `DiskThreads`: does what it is told to, one after the other. In no thread it does nothing. */
const disk = new Disk()

parentPort?.on('message', (works: readonly SlowWork[]) => parentPort?.postMessage(works.map(answerTo)))

function answerTo(work: SlowWork): Answer {
  try {
    disk.finish(work)
    return undefined
  } catch (error) {
    if (!(error instanceof AuthorityError)) throw error
    const { code, message, data, cause } = error
    return { code, message, data, cause }
  }
}
