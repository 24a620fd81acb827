import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connectAdmin, type RotateRequest } from '@datapunk/authority'
import { Child } from '../e2e/child.ts'
import { MeshFolder } from '../e2e/mesh-folder.ts'
import type { CallsSaid } from './calling-service.ts'
import { number, printRows } from './table.ts'

/**
 * The life of a mesh in a short time: a real `mtls up`, and two services that call each other, while every certificate, CA and key is
 * replaced again and again. What no call may feel, and what must not grow: memory of each process, and files that it has open. Of the
 * authority the kernel is asked, so its figure is with garbage; of services, once garbage was collected. Linux only.
 *
 *     node bench/soak.ts [MINUTES]
 */
const minutes = Number(process.argv[2] ?? 20)
const MEBIBYTE = 2 ** 20
const anywhere = '127.0.0.1:0'
const mesh = MeshFolder.planned({
  services: { lake: {}, stream: {} },
  authority: { store_ca_keys_in_clear: true, http: anywhere, metrics: anywhere, console: anywhere },
})
const program = join(import.meta.dirname, '../packages/cli/bin/mtls.js')
const up = Child.start(process.execPath, [program, 'up', '--config', mesh.configFile])
await up.says(/ready:/)
const authority = (await connectAdmin(mesh.layout.authority.adminSocket, {
  purpose: 'soak',
  uid: process.getuid?.(),
}))!
const [lake, stream] = (await Promise.all(['lake', 'stream'].map(started))) as [Started, Started]
lake.process.send(`https://stream.service.datapunk:${stream.port}/`)
stream.process.send(`https://lake.service.datapunk:${lake.port}/`)

interface Started {
  readonly process: ChildProcess
  readonly port: number
}

async function started(service: string): Promise<Started> {
  const script = join(import.meta.dirname, 'calling-service.ts')
  const child = fork(script, [mesh.configFile, service], { execArgv: ['--expose-gc'] })
  const [port] = await once(child, 'message')
  return { process: child, port }
}

async function said({ process }: Started): Promise<CallsSaid> {
  process.send('?')
  return (await once(process, 'message'))[0]
}

const openFiles = (pid: number) => readdirSync(`/proc/${pid}/fd`).length
const resident = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

/** How often it is asked for: what takes longer is still on its way when the next is. */
const CHANGES: readonly { readonly every: number; readonly request: RotateRequest }[] = [
  { every: 1, request: { what: 'pairs' } },
  { every: 2, request: { what: 'issuing-ca', without: [] } },
  { every: 3, request: { what: 'bundle-key', without: [] } },
  { every: 6, request: { what: 'root', without: [] } },
]
const replaced = { pairs: 0, 'issuing-ca': 0, 'bundle-key': 0, root: 0 }
let rounds = 0

async function changeUntil(end: number): Promise<void> {
  while (Date.now() < end) {
    rounds++
    for (const { every, request } of CHANGES) {
      if (rounds % every !== 0) continue
      await authority.rotate(request)
      replaced[request.what as keyof typeof replaced]++
    }
    await pause(1_000)
  }
}

async function found() {
  const services = await Promise.all([lake, stream].map(said))
  return {
    rounds,
    calls: services.reduce((sum, { calls }) => sum + calls, 0),
    failures: services.flatMap(({ failures }) => failures),
    heap: services.map(({ heap }) => heap / MEBIBYTE),
    resident: resident(up.pid),
    files: [up.pid, lake.process.pid!, stream.process.pid!].map(openFiles),
  }
}

const begun = Date.now()
await changeUntil(begun + minutes * 15_000)
const quarter = await found()
await changeUntil(begun + minutes * 60_000)
const end = await found()
for (const { process } of [lake, stream]) process.kill()
await up.stop()
mesh.remove()

const after = (one: typeof end, text: string) => `${text} after ${one.rounds} rounds`
const both = (values: readonly number[]) => values.map((value) => value.toFixed(1)).join(' and ')
printRows([
  {
    what: `${rounds} rounds in ${minutes} minutes`,
    found: Object.entries(replaced)
      .map(([what, times]) => `${what} ${times} times`)
      .join(', '),
  },
  {
    what: 'calls that failed',
    found: `${end.failures.length} of ${number(end.calls)}${end.failures.length > 0 ? `: ${end.failures[0]}` : ''}`,
    goal: 'none',
    met: end.failures.length === 0,
  },
  {
    what: 'heap of two services',
    found: `${after(quarter, `${both(quarter.heap)} MiB`)}, ${after(end, `${both(end.heap)} MiB`)}`,
  },
  {
    what: 'mtls up, resident',
    found: `${after(quarter, `${quarter.resident.toFixed(0)} MiB`)}, ${after(end, `${end.resident.toFixed(0)} MiB`)}`,
  },
  {
    what: 'open files of mtls up and of them',
    found: `${after(quarter, quarter.files.join(', '))}, ${after(end, end.files.join(', '))}`,
  },
])
