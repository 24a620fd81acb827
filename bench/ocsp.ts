import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { inTurns, measured, ROUNDS, ratio } from './measure.ts'
import { ocspMesh } from './ocsp-mesh.ts'
import { cpuOfProcess, leaveCoreToServers } from './server-process.ts'
import { factor, perSecond, printRows } from './table.ts'

/**
 * OCSP: answers that are kept, and answers that are signed for whoever asks, in process against the bare signature; and kept ones by
 * HTTP on 32 connections, as CPU of the server, against node:http with the same bytes.
 *
 *     node bench/ocsp.ts
 */
const CONNECTIONS = 32
const A_ROUND = 20_000
const OK = Buffer.from('HTTP/1.1 200 OK')
leaveCoreToServers()
const mesh = await ocspMesh(1000)
const each = (requests: readonly Uint8Array[]) => async (count: number) => {
  for (let done = 0; done < count; done++) {
    const { der } = await mesh.responder.answer(requests[done % requests.length]!)
    if (der.byteLength < 300) throw new Error('an error is no answer')
  }
}
const message = Buffer.alloc(300)
const costs = await inTurns(
  {
    kept: each(mesh.requests),
    fresh: each(mesh.fresh),
    sign: async (count) => {
      for (let done = 0; done < count; done++) await mesh.signer.sign(message)
    },
  },
  4_000,
)

const servers = { ours: await start('ours'), bare: await start('bare') }
const http = { ours: [] as number[], bare: [] as number[] }
for (let round = -1; round < ROUNDS; round++) {
  for (const kind of round % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const)) {
    const { child, port, body } = servers[kind]
    const before = cpuOfProcess(child.pid!)
    await requests(port, body)
    if (round >= 0) http[kind].push((cpuOfProcess(child.pid!) - before) / A_ROUND)
  }
}
for (const { child } of Object.values(servers)) child.kill()

const rate = (micros: readonly number[]) => 1e6 / measured(micros).median
printRows([
  {
    what: 'OCSP answers that are kept, in process',
    found: perSecond(measured(costs.kept)),
    goal: '≥ 40,000/s',
    met: rate(costs.kept) >= 40_000,
  },
  {
    what: 'OCSP answers signed for whoever asks, in process',
    found: perSecond(measured(costs.fresh)),
    limit: `${perSecond(measured(costs.sign))} sign`,
    ratio: factor(ratio(costs.sign, costs.fresh)),
    goal: '≥ 15,000/s',
    met: rate(costs.fresh) >= 15_000,
  },
  {
    what: `kept ones by HTTP on ${CONNECTIONS} connections, a second of server CPU`,
    found: perSecond(measured(http.ours)),
    limit: `${perSecond(measured(http.bare))} node:http with the same bytes`,
    ratio: factor(ratio(http.bare, http.ours)),
  },
])
process.exit()

async function start(kind: string): Promise<{ child: ChildProcess; port: number; body: Buffer }> {
  const file = new URL('./ocsp-server.ts', import.meta.url).pathname
  const child = spawn('taskset', ['-c', '0', process.execPath, file, kind], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const [{ port, body }] = (await once(child, 'message')) as [{ port: number; body: string }]
  return { child, port, body: Buffer.from(body, 'base64') }
}

async function requests(port: number, body: Buffer): Promise<void> {
  let left = A_ROUND
  const head = `POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\nContent-Length: ${body.length}\r\n\r\n`
  const request = Buffer.concat([Buffer.from(head), body])
  const lane = async () => {
    const socket = connect({ host: '127.0.0.1', port })
    await once(socket, 'connect')
    while (left-- > 0) {
      socket.write(request)
      const [answer] = (await once(socket, 'data')) as [Buffer]
      if (!answer.subarray(0, 15).equals(OK)) throw new Error(answer.toString('latin1'))
    }
    socket.destroy()
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, lane))
}
