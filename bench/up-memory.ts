import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Child } from '../e2e/child.ts'
import { MeshFolder } from '../e2e/mesh-folder.ts'
import { printRows } from './table.ts'

/**
 * What the kernel says that `mtls up` has resident, garbage and all: with a thousand peers connected, while they get bundles at
 * a distance, while they get a hundred so fast that nobody keeps up, and a while after. Linux only: it is read from /proc.
 *
 *     node bench/up-memory.ts
 */
const PEERS = 1000
const REST = 90_000

const anywhere = '127.0.0.1:0'
const configOf = (port: number) => ({
  services: { lake: { address: `10.0.0.1:${port}` }, stream: {}, nexus: {} },
  authority: { store_ca_keys_in_clear: true, http: anywhere, metrics: anywhere, console: anywhere },
})
const mesh = MeshFolder.planned(configOf(1))
// With what the program's first line starts Node with.
const program = join(import.meta.dirname, '../packages/cli/bin/mtls.js')
const up = Child.start(process.execPath, [
  '--max-semi-space-size=8',
  program,
  'up',
  '--config',
  mesh.configFile,
])
await up.says(/ready:/)
const resident = () =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${up.pid}/status`, 'utf8'))?.[1]) / 1024

const fleets = [PEERS / 2, PEERS / 2].map((peers) =>
  fork(join(import.meta.dirname, 'peer-fleet.ts'), [mesh.configFile, String(peers)]),
)
await Promise.all(fleets.map((fleet) => once(fleet, 'message')))
await pause(3_000)
const connected = resident()
let bundles = 0
/** @param apart milliseconds @returns the most that was resident */
async function published(count: number, apart: number): Promise<number> {
  let most = 0
  for (let left = count; left > 0; left--) {
    mesh.write(configOf(1 + ++bundles))
    await pause(apart)
    most = Math.max(most, resident())
  }
  return most
}
const calm = await published(12, 5_000)
const hasty = await published(100, 700)
await pause(REST)
const rested = resident()
for (const fleet of fleets) fleet.kill()
await up.stop()
mesh.remove()

const row = (when: string, mebibytes: number) => ({
  what: `mtls up and ${PEERS} peers, resident, ${when}`,
  found: `${mebibytes.toFixed(0)} MiB`,
  goal: '≤ 200 MiB',
  met: mebibytes <= 200,
})
printRows([
  row('when all had come', connected),
  row('at most, with 12 bundles, one every 5 s', calm),
  row('at most, with 100 bundles, one every 0.7 s', hasty),
  row(`${REST / 1000} s after these`, rested),
])
