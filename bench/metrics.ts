import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { join } from '@datapunk/mesh'
import { serveOperator } from '@datapunk/mesh/operator'
import { parseConfig } from '@datapunk/protocol'
import { TestMesh } from '@datapunk/testkit'
import type { Engine } from '../packages/authority/engine/engine.ts'
import { Halt } from '../packages/authority/engine/halt.ts'
import { PeerBook } from '../packages/authority/engine/peer-book.ts'
import { OwnPair } from '../packages/authority/peers/own-pair.ts'
import { measure } from '../packages/authority/status/measurements.ts'
import { SqliteStore } from '../packages/authority/store/sqlite.ts'
import { AuthoritySource } from '../packages/cli/operator/authority-source.ts'
import { Tally } from '../packages/mesh/operator/tally.ts'
import { inTurns, measured, ratio } from './measure.ts'
import { microseconds, number, printRows, type Row, share } from './table.ts'

/**
 * What `/metrics` of an authority costs at 10,000 services, all with a live peer, over HTTP by the clock; and what counting
 * costs of a handshake.
 *
 *     node bench/metrics.ts
 */
const SERVICES = 10_000
const ROUNDS = 11
const NOW = 1_800_000_000_000
const DAY = 86_400_000

printRows([...(await costOfScrapes()), await costOfCounting()])

async function costOfScrapes(): Promise<Row[]> {
  const folder = mkdtempSync(joinPath(tmpdir(), 'bench-metrics-'))
  const store = await filledStore(folder)
  const names = Array.from({ length: SERVICES }, (_, index) => [`service-${index}`, {}])
  const config = parseConfig(JSON.stringify({ services: Object.fromEntries(names) }), { file: '/m.yaml' })
  const peers = livePeers()
  const engine = {
    store,
    config,
    peers,
    ownPair: new OwnPair(),
    logSeat: {},
    halting: new Halt(),
    clock: () => NOW,
  } as unknown as Engine
  const rows: Row[] = []
  for (const services of [20, Number.POSITIVE_INFINITY]) {
    const authority = {
      measure: () => measure(engine, { services, last: undefined, failure: undefined }),
      ...{ fault: undefined, peers },
    }
    const source = new AuthoritySource(() => authority, { clock: () => NOW, monotonic: () => 0 })
    const { place, close } = await serveOperator(source)
    const times: number[] = []
    let size = 0
    for (let round = 0; round < ROUNDS + 3; round++) {
      const begun = performance.now()
      size = (await (await fetch(`http://${place.host}:${place.port}/metrics`)).bytes()).length
      if (round >= 3) times.push(performance.now() - begun)
    }
    await close()
    const { median, low, high } = measured(times)
    const all = services > SERVICES
    rows.push({
      what: `/metrics at ${number(SERVICES)} services, ${all ? 'all' : services} named`,
      found: `${median.toFixed(1)} ms (${low.toFixed(1)} to ${high.toFixed(1)}), ${number(size / 1000)} kB`,
      ...(all ? {} : { goal: '≤ 50 ms', met: median <= 50 }),
    })
  }
  store.close()
  rmSync(folder, { recursive: true })
  return rows
}

async function filledStore(folder: string): Promise<SqliteStore> {
  const store = SqliteStore.open({ file: joinPath(folder, 'authority', 'inventory.db') })
  const hex = (value: number, length = 32) => value.toString(16).padStart(length, '0')
  const always = { since: NOW, spkiHash: hex(1, 64) }
  await store.write((transaction) => {
    const spki = new Uint8Array(91)
    const bundleKey = {
      id: 'bundle-key-1',
      kind: 'bundle-key',
      state: 'active',
      algorithm: 'ecdsa-p256',
    } as const
    transaction.putSlot({ ...always, ...bundleKey, spki, certificate: undefined, leftOut: [] })
    for (let index = 0; index < SERVICES; index++) {
      const service = `service-${index}`
      const spiffeId = `spiffe://service.internal/${service}`
      transaction.putService({
        ...always,
        service,
        spiffeId,
        state: 'member',
        settings: '{}',
        barredAt: undefined,
      })
      transaction.putInstance({ id: service, service, place: 'here', since: NOW, held: undefined })
      const serial = hex(index + 2 ** 40)
      const life = { notBefore: NOW - DAY, notAfter: NOW + 365 * DAY + index, intendedAt: NOW }
      const names = { instance: service, tbsHash: hex(index, 64), request: '{}', spkiHash: hex(index, 64) }
      transaction.recordIntent({ serial, profile: 'leaf', slot: 'bundle-key-1', ...life, ...names })
      transaction.recordIssued(serial, new Uint8Array(900))
    }
    const number = { generation: 1, counter: 1 }
    const head = new Uint8Array(1000)
    transaction.addBundle({ ...number, head, issuedAt: NOW - 1000, expiresAt: NOW + 7 * DAY }, new Map())
  })
  return store
}

function livePeers(): PeerBook {
  const peers = new PeerBook(() => NOW)
  peers.opened()
  const number = { generation: 1, counter: 1 }
  for (let index = 0; index < SERVICES; index++) {
    const service = `service-${index}`
    const speaker = { serial: index.toString(16), revoked: false }
    peers.arrived({ peer: service, service, instance: service, version: '0.1.0', ...speaker })
    peers.acknowledged(service, { number, trustStatement: number, ...speaker })
  }
  return peers
}

/** One addition for each connection that passes, and one by rule for each that does not. */
async function costOfCounting(): Promise<Row> {
  const testMesh = await TestMesh.create({ services: { lake: {}, stream: {} } })
  const options = { config: testMesh.configFile }
  const [lake, stream] = await Promise.all([join('lake', options), join('stream', options)])
  const server = lake.createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as { port: number }
  const tally = new Tally()
  const times = 100_000
  const costs = await inTurns(
    {
      counting: (count) => {
        for (let done = 0; done < count * times; done++) {
          tally.accepted()
          tally.refused('REVOKED')
        }
      },
      handshake: async (count) => {
        for (let done = 0; done < count; done++) {
          const socket = await stream.connect({ host: 'lake.service.datapunk', port })
          socket.destroy()
          await once(socket, 'close')
        }
      },
    },
    100,
  )
  server.close()
  await Promise.all([lake.leave(), stream.leave()])
  await testMesh.remove()
  const counting = costs.counting.map((cost) => cost / times)
  // Both ends are in this process; each of them counts once.
  const handshake = costs.handshake.map((cost) => cost / 2)
  const part = ratio(counting, handshake)
  return {
    what: 'counting, of a handshake (one end)',
    found: `${measured(counting).median.toFixed(4)} µs`,
    limit: microseconds(measured(handshake)),
    ratio: share(part),
    goal: '≤ 1 %',
    met: part.high <= 0.01,
  }
}
