import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { TestMesh } from '@datapunk/testkit'
import { type Measured, measured, ROUNDS, ratio } from './measure.ts'
import { callerContext, SENT, startHaproxy, startOurs, startService, startStunnel } from './proxies.ts'
import { leaveCoreToServers, type ServerProcess } from './server-process.ts'
import { factor, number, perSecond, printRows, type Row } from './table.ts'

/**
 * `mtls proxy` against haproxy and stunnel doing the same: mutual TLS 1.3 in front of one plain TCP service, as CPU of the
 * proxy: new connections (full handshakes, one byte there and back), and bytes sent on one connection.
 *
 *     node bench/proxy.ts
 */
const AT_ONCE = 8
const A_ROUND = 240
const mesh = await TestMesh.create({ services: { lake: {}, stream: {} } })
const secureContext = await callerContext(mesh)
const service = await startService()
leaveCoreToServers()
const proxies = {
  ours: await startOurs(mesh, service.port),
  haproxy: await startHaproxy(mesh, service.port),
  stunnel: await startStunnel(mesh, service.port),
}
const connections = await inTurns(async (port) => {
  await Promise.all(Array.from({ length: AT_ONCE }, () => callOften(port, A_ROUND / AT_ONCE)))
}, A_ROUND)
const bytes = await inTurns(download, SENT)
for (const proxy of Object.values(proxies)) await proxy?.stop()
service.child.disconnect()
await mesh.remove()

const rows: Row[] = [
  {
    what: 'new connections through the proxy, a second of its CPU',
    found: perSecond(measured(connections.ours)),
  },
  against('haproxy', connections, perSecond),
  against('stunnel', connections, perSecond),
  { what: 'bytes sent on one connection, a second of its CPU', found: mebibytes(measured(bytes.ours)) },
  against('haproxy', bytes, mebibytes),
  against('stunnel', bytes, mebibytes),
]
printRows(rows)

type Costs = Record<keyof typeof proxies, number[]>

function against(name: 'haproxy' | 'stunnel', costs: Costs, rate: (micros: Measured) => string): Row {
  const what = `against ${name}`
  if (costs[name].length === 0) return { what, found: 'not installed' }
  return {
    what,
    found: `ratio of rates ${factor(ratio(costs[name], costs.ours))}`,
    limit: rate(measured(costs[name])),
  }
}

/** By proxy: microseconds of its CPU for one of `count`, round by round. */
async function inTurns(work: (port: number) => Promise<void>, count: number): Promise<Costs> {
  const costs: Costs = { ours: [], haproxy: [], stunnel: [] }
  const names = Object.keys(proxies) as (keyof Costs)[]
  for (let round = -1; round < ROUNDS; round++) {
    for (const index of names.keys()) {
      const name = names[(index + round + 1) % names.length] as keyof Costs
      const proxy: ServerProcess | undefined = proxies[name]
      if (proxy === undefined) continue
      const before = proxy.cpuOfAllTime()
      await work(proxy.port)
      if (round >= 0) costs[name].push((proxy.cpuOfAllTime() - before) / count)
    }
  }
  return costs
}

async function callOften(port: number, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    const socket = call(port)
    socket.write('x')
    await once(socket, 'data')
    socket.end()
    await once(socket.resume(), 'close')
  }
}

async function download(port: number): Promise<void> {
  const socket = call(port)
  socket.write('D')
  let received = 0
  socket.on('data', (chunk) => {
    received += chunk.length
  })
  await once(socket, 'close')
  if (received !== SENT * 1024 * 1024) throw new Error(`received ${received} bytes`)
}

function call(port: number): TLSSocket {
  return connect({ host: '127.0.0.1', port, servername: 'lake.service.datapunk', secureContext })
}

function mebibytes(micros: Measured): string {
  const rate = (value: number) => number(1e6 / value)
  return `${rate(micros.median)} MiB/s (${rate(micros.high)} to ${rate(micros.low)})`
}
