import { once } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import { Disk } from '../packages/authority/disk/disk.ts'
import { PairFolder, type PairText } from '../packages/authority/disk/pair.ts'

/** What swapping.ts asks its other process for. */
export interface SwapOrder {
  readonly seconds: number
  /** Milliseconds from one swap to the next. */
  readonly every: number
  readonly folders: readonly { readonly dir: string; readonly pairs: readonly PairText[] }[]
}

// The swaps of the authority, with all that it syncs, one folder after the other.
const [{ seconds, every, folders }] = (await once(process, 'message')) as [SwapOrder]
const disk = new Disk()
const begun = performance.now()
let swaps = 0
while (performance.now() - begun < seconds * 1000) {
  const { dir, pairs } = folders[swaps % folders.length]!
  const pair = pairs[Math.floor(swaps / folders.length) % pairs.length]!
  new PairFolder(dir, disk).swap(pair, { keyMode: 0o600 })
  swaps++
  await after(Math.max(0, begun + swaps * every - performance.now()))
}
process.send?.({ swaps, seconds: (performance.now() - begun) / 1000 })
process.disconnect?.()
