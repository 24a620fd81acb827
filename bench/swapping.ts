import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from '@datapunk/mesh'
import { TestMesh } from '@datapunk/testkit'
import { ServerProcess } from './server-process.ts'
import type { SwapOrder } from './swapper.ts'
import { number, printRows } from './table.ts'

/**
 * Pairs of both sides swapped on disk, 50 a second, while clients call without a break: on fresh
 * connections and on kept-alive ones. Client and server follow the files by themselves. Not one call may fail.
 *
 *     node bench/swapping.ts [SECONDS]
 */
const seconds = Number(process.argv[2] ?? 20)
const EVERY = 20
const testMesh = await TestMesh.create({ services: { lake: {}, stream: {} } })
const server = await ServerProcess.start('mesh', testMesh)
const stream = await join('stream', { config: testMesh.configFile })

const failures: string[] = []
const shown = new Set<string>()
const counts = { fresh: 0, kept: 0 }
let rotated = 0
let full = 0
let overtaken = 0
stream.on('rotated', () => rotated++)
stream.on('refused', ({ message }) => failures.push(message))
// Two swaps have overtaken a look at the files: the pair it had serves on, and the next look follows at once.
stream.on('problem', () => overtaken++)

let over = false
const callers = [
  ...Array.from({ length: 8 }, () => calling('fresh', fresh)),
  ...Array.from({ length: 8 }, () => calling('kept', kept)),
]
const order: SwapOrder = {
  seconds,
  every: EVERY,
  folders: await Promise.all(['lake', 'stream'].map(newPairs)),
}
const swapper = fork(new URL('./swapper.ts', import.meta.url))
swapper.send(order)
const [{ swaps, seconds: duration }] = (await once(swapper, 'message')) as [
  { swaps: number; seconds: number },
]
over = true
await Promise.all(callers)
await stream.leave()
await server.stop()
await testMesh.remove()

for (const failure of new Set(failures)) console.log(failure)
printRows([
  {
    what: `${swaps} pairs swapped, ${(swaps / duration).toFixed(1)} a second`,
    found: `${failures.length} failures in ${number(counts.fresh)} handshakes (${number(full)} of them full) and ${number(counts.kept)} kept-alive requests; ${shown.size} certificates of the server seen, ${rotated} of its own taken up by the client, ${overtaken} looks at its files overtaken by two swaps`,
    goal: 'no failure at 50 a second',
    met: failures.length === 0 && swaps / duration >= 49,
  },
])

/** Made beforehand, so that only the swaps count. */
async function newPairs(service: string) {
  const leaves = await Promise.all(Array.from({ length: 100 }, () => testMesh.leaf(service)))
  const pairs = leaves.map((leaf) => ({ certificatePem: testMesh.ca.chainPem(leaf), keyPem: leaf.keyPem }))
  return { dir: testMesh.layout.instance(service).dir, pairs }
}

async function calling(kind: keyof typeof counts, call: () => Promise<unknown>): Promise<void> {
  while (!over) {
    try {
      await call()
      counts[kind]++
    } catch (error) {
      failures.push(String(error))
    }
  }
}

/** A connection of its own; between two swaps it may resume a session. */
async function fresh(): Promise<void> {
  const socket = await stream.connect({ host: 'lake', port: server.port })
  shown.add(stream.peer(socket).serial)
  if (!socket.isSessionReused()) full++
  socket.write('GET / HTTP/1.1\r\nHost: lake\r\nConnection: close\r\n\r\n')
  let answer = ''
  for await (const bytes of socket) answer += bytes
  if (!answer.includes('hello')) throw new Error(`no answer: ${answer}`)
}

async function kept(): Promise<void> {
  const answer = await stream.fetch(`https://lake:${server.port}/`)
  if ((await answer.text()) !== 'hello') throw new Error(`answered ${answer.status}`)
}
