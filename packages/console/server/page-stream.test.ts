import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Duplex, PassThrough, type Readable } from 'node:stream'
import { after, afterEach, before, beforeEach, describe, mock, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createBrotliDecompress, createGunzip } from 'node:zlib'
import type { ConsoleMessage, ConsoleView } from '@datapunk/protocol/console'
import { readLines } from '../page/session/lines.ts'
import type { Coding } from './coding.ts'
import { LiveView } from './live-view.ts'
import { BEAT_EVERY, PageStreams } from './page-stream.ts'

const decoders: Readonly<Record<Coding, () => Duplex>> = {
  br: createBrotliDecompress,
  gzip: createGunzip,
  identity: () => new PassThrough(),
}

/** Of two thousand characters a service. */
function viewOf(number: number): ConsoleView {
  const services = Array.from({ length: number }, (_, at) => ({
    ...{ service: `service-${at}`, state: 'good' as const, notes: ['x'.repeat(2000)] },
    ...{ names: [], barred: false, instances: [] },
  }))
  return { mesh: {} as ConsoleView['mesh'], services, links: [], revocations: [] }
}

const link = { caller: 'nexus', callee: 'lake', count: 1 }

let live: LiveView
let streams: PageStreams
let server: Server
let coding: Coding

// For all of them: a page goes a little later than its server, and then stops its beat.
before(() => mock.timers.enable({ apis: ['setInterval'] }))
after(() => mock.timers.reset())

beforeEach(async () => {
  live = new LiveView()
  streams = new PageStreams(live, () => 1)
  const owner = { session: 'session', operator: undefined }
  server = createServer((_request, response) => streams.open(response, owner, () => true, coding))
  await once(server.listen(0, '127.0.0.1'), 'listening')
})

afterEach(async () => {
  streams.endAll()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

async function opened(): Promise<IncomingMessage> {
  const sent = get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, agent: false })
  const [response] = await once(sent, 'response')
  return response
}

/** As the page reads them. */
async function* messagesOf(body: Readable): AsyncGenerator<ConsoleMessage> {
  for await (const line of readLines(body.setEncoding('utf8'))) yield JSON.parse(line)
}

describe('the stream of a page', () => {
  for (const each of ['br', 'gzip', 'identity'] as const) {
    test(`shows a mesh of any size, and what happens before all of it is there: ${each}`, async () => {
      coding = each
      const view = viewOf(10_000)
      live.show(view)
      live.happened([{ at: '', kind: '', subject: 'lake', text: '', state: 'good' }])
      const response = await opened()
      live.show({ ...view, links: [link] })
      const messages = messagesOf(response.pipe(decoders[coding]()))
      assert.equal((await messages.next()).value?.type, 'beat')
      assert.deepEqual((await messages.next()).value, { type: 'view', view })
      assert.equal((await messages.next()).value?.type, 'events')
      assert.deepEqual((await messages.next()).value, { type: 'change', links: [link] })
      response.destroy()
    })
  }

  test('ends where the page reads none of it from one beat to the next', async () => {
    coding = 'identity'
    // More than the system holds for whoever does not read.
    live.show(viewOf(25_000))
    let isOver = false
    server.once('request', (_request, response: ServerResponse) =>
      response.once('close', () => {
        isOver = true
      }),
    )
    const response = await opened()
    response.on('error', () => {})
    while (!isOver) {
      await setImmediate()
      mock.timers.tick(BEAT_EVERY)
    }
    response.destroy()
  })
})
