import { join } from 'node:path'
import { Disk } from '../disk/disk.ts'
import { PairFolder, type PairText } from '../disk/pair.ts'
import { withSwapThreads } from '../disk/swap-threads.ts'

/** A process that swaps the pairs of many instances beside each other, on threads, until it is killed. */
process.once('message', async ({ root, names, pairs }: SwapperOrder) => {
  const disk = new Disk()
  await withSwapThreads(disk, names.length, async (threads) => {
    for (let swaps = 0; ; swaps++) {
      const pair = pairs[swaps % pairs.length]!
      await Promise.all(
        names.map((name) => new PairFolder(join(root, name), disk).swapOn(threads, pair, { keyMode: 0o600 })),
      )
      process.send?.(swaps)
    }
  })
})

export interface SwapperOrder {
  readonly root: string
  readonly names: readonly string[]
  readonly pairs: readonly PairText[]
}
