import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { TestMesh } from '@datapunk/testkit'
import { measured, ROUNDS, ratio } from './measure.ts'
import { leaveCoreToServers, ServerProcess } from './server-process.ts'
import { factor, perSecond, printRows } from './table.ts'

/**
 * Requests on 32 kept-alive connections, as CPU of the server: behind the gate and with node:https alone. The gate is
 * asked once a connection, so there should be no difference.
 *
 *     node bench/keep-alive.ts
 */
const CONNECTIONS = 32
const A_ROUND = 6_000
const mesh = await TestMesh.create({ services: { lake: {}, stream: {} } })
leaveCoreToServers()
const servers = {
  mesh: await ServerProcess.start('mesh', mesh),
  bare: await ServerProcess.start('bare', mesh),
}
const { cert, key } = mesh.pair('stream')
const credentials = { cert: readFileSync(cert), key: readFileSync(key), ca: mesh.ca.root.pem }
const agent = new Agent({ ...credentials, keepAlive: true, maxSockets: CONNECTIONS })

const costs = { mesh: [] as number[], bare: [] as number[] }
for (let round = -1; round < ROUNDS; round++) {
  for (const kind of round % 2 === 0 ? (['mesh', 'bare'] as const) : (['bare', 'mesh'] as const)) {
    const server = servers[kind]
    const before = server.cpu()
    await requests(server.port)
    if (round >= 0) costs[kind].push((server.cpu() - before) / A_ROUND)
  }
}
agent.destroy()
for (const server of Object.values(servers)) await server.stop()
await mesh.remove()
printRows([
  {
    what: `requests on ${CONNECTIONS} kept-alive connections, a second of server CPU`,
    found: perSecond(measured(costs.mesh)),
    limit: `${perSecond(measured(costs.bare))} node:https with the same context`,
    ratio: factor(ratio(costs.bare, costs.mesh)),
  },
])

async function requests(port: number): Promise<void> {
  let left = A_ROUND
  const lane = async () => {
    while (left-- > 0) await call(port)
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, lane))
}

function call(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, servername: 'lake.service.datapunk', agent }
    request(options, (response) => {
      if (response.statusCode !== 200) reject(new Error(`answered ${response.statusCode}`))
      response.resume().on('end', resolve)
    })
      .on('error', reject)
      .end()
  })
}
