import { randomBytes } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { join } from '@datapunk/mesh'
import { systemClock } from '../packages/mesh/clock.ts'
import { Membership } from '../packages/mesh/membership/membership.ts'
import { serverContextOptions } from '../packages/mesh/tls-profile.ts'

// The other process of the benchmarks: answers every request with `hello`, behind the gate (`mesh`) or as node:https
// does by itself (`bare`), with the same context.
const [kind, config] = process.argv.slice(2) as ['mesh' | 'bare', string]

const server = kind === 'mesh' ? await guarded() : await bare()
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())

async function guarded(): Promise<Server> {
  const mesh = await join('lake', { config })
  return mesh.createServer((_request, response) => response.end('hello'))
}

async function bare(): Promise<Server> {
  const place = { file: config, environment: undefined, root: undefined }
  const membership = await Membership.open({
    place,
    service: 'lake',
    clock: systemClock,
    random: randomBytes,
    pollEvery: 10_000,
    memory: undefined,
  })
  const context = serverContextOptions(membership.current(), randomBytes)
  const options = { ...context, requestCert: true, rejectUnauthorized: true }
  return createServer(options, (_request, response) => response.end('hello'))
}
