import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Child } from '../e2e/child.ts'
import { MeshFolder } from '../e2e/mesh-folder.ts'
import { printRows } from './table.ts'

/**
 * What the kernel says that `mtls up` has resident, garbage and all: with a thousand peers connected, while they get a hundred
 * bundles one after the other, and a while after. Linux only: it is read from /proc.
 *
 *     node bench/up-memory.ts
 */
const PEERS = 1000
const BUNDLES = 100
const APART = 700
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
let most = 0
for (let bundle = 1; bundle <= BUNDLES; bundle++) {
  mesh.write(configOf(1 + bundle))
  await pause(APART)
  most = Math.max(most, resident())
}
await pause(REST)
const rested = resident()
for (const fleet of fleets) fleet.kill()
await up.stop()
mesh.remove()

const text = (mebibytes: number) => `${mebibytes.toFixed(0)} MiB`
const goal = '≤ 200 MiB'
const what = `mtls up and ${PEERS} peers, resident`
printRows([
  { what: `${what}, when all had come`, found: text(connected), goal, met: connected <= 200 },
  {
    what: `${what}, at most, with a bundle every ${APART / 1000} s`,
    found: text(most),
    goal,
    met: most <= 200,
  },
  {
    what: `${what}, ${REST / 1000} s after ${BUNDLES} bundles`,
    found: text(rested),
    goal,
    met: rested <= 200,
  },
])
