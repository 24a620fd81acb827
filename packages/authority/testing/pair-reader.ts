import { setImmediate } from 'node:timers/promises'
import { Disk } from '../disk/disk.ts'
import { PairFolder } from '../disk/pair.ts'

// The other process of pair.test.ts: reads the pair in a tight loop until it is told that it is enough.
const folder = new PairFolder(process.argv[2]!, new Disk())
const versions = new Set<number>()
const failures: string[] = []
let reads = 0
let reading = true

process.on('message', () => {
  reading = false
})
process.send?.('reading')
while (reading) {
  for (let count = 0; count < 20; count++) {
    try {
      versions.add(folder.read()!.version)
      reads++
    } catch (error) {
      failures.push(String(error))
    }
  }
  await setImmediate()
}
process.send?.({ reads, versions: versions.size, failures })
process.disconnect?.()
