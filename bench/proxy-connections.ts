import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { TestMesh } from '@datapunk/testkit'
import { fileLimit, filesFor, roomForConnections, WANTED_CONNECTIONS } from '../packages/mesh/proxy/index.ts'
import { callerContext, startOurs, startService } from './proxies.ts'
import { number, printRows } from './table.ts'

/**
 * Ten thousand connections open at once through `mtls proxy`, each of which then says something and is answered. Where the
 * hard limit of open files is lower, as many as it leaves room for.
 *
 *     node bench/proxy-connections.ts
 */
const AT_ONCE = 16
const room = roomForConnections() ?? WANTED_CONNECTIONS
const count = Math.min(WANTED_CONNECTIONS, room)
if (count < WANTED_CONNECTIONS) {
  console.log(
    `found a limit of ${fileLimit()} open files, so ${count} connections; ${filesFor(WANTED_CONNECTIONS)} are needed`,
  )
}
const mesh = await TestMesh.create({ services: { lake: {}, stream: {} } })
const secureContext = await callerContext(mesh)
const service = await startService()
const proxy = await startOurs(mesh, service.port)
const before = proxy.memory()
const sockets: TLSSocket[] = []
const closed: TLSSocket[] = []
let left = count
const open = async () => {
  while (left-- > 0) {
    const socket = connect({
      host: '127.0.0.1',
      port: proxy.port,
      servername: 'lake.service.datapunk',
      secureContext,
    })
    socket.on('error', () => {}).once('close', () => closed.push(socket))
    await talk(socket)
    sockets.push(socket)
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, open))
const held = proxy.memory() - before
if (closed.length > 0) throw new Error(`${closed.length} connections did not stay open`)
for (let at = 0; at < sockets.length; at += AT_ONCE)
  await Promise.all(sockets.slice(at, at + AT_ONCE).map(talk))
for (const socket of sockets) socket.destroy()
await proxy.stop()
service.child.disconnect()
await mesh.remove()

printRows([
  {
    what: 'connections open at once through the proxy, each answered while all were open',
    found: `${number(sockets.length)}, ${number(held / sockets.length / 1024)} KiB of the proxy's memory for each`,
    goal: `${number(WANTED_CONNECTIONS)}, or what the limit of open files leaves room for`,
    met: sockets.length === count,
  },
])

async function talk(socket: TLSSocket): Promise<void> {
  socket.write('x')
  await once(socket, 'data')
}
