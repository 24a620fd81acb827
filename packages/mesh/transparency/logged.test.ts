import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { connect, createServer as createTlsServer } from 'node:tls'
import { atEnd, badScts, type Ending, promisedOnly, type TestIdentity, TestMesh } from '@datapunk/testkit'
import { type CutConnection, join, type Mesh, type MeshError, type Refusal } from '../index.ts'
import { callIn, protocols } from '../testing/guarded-servers.ts'
import { listen } from '../testing/listen.ts'
import { RefusingMesh, refusalsOf, refusingServices } from '../testing/refusing-mesh.ts'
import type { LogAlarm } from './log-watch.ts'

const versions = ['TLSv1.3', 'TLSv1.2'] as const

/** Certificates of the true issuing CA, for the true names of a member, that no log of the mesh has promised to hold. */
describe('a certificate that is not logged', () => {
  let mesh: RefusingMesh
  let testMesh: TestMesh
  let lake: Mesh
  let stream: Mesh
  let ending: Ending

  beforeEach(async () => {
    testMesh = await TestMesh.create({ services: refusingServices, transparency: 'required' })
    mesh = await RefusingMesh.open(testMesh)
    lake = mesh.lake
    stream = mesh.stream
    ending = mesh.ending
  })

  afterEach(() => ending.end())

  const unlogged = (service: string) => testMesh.badlyLogged(badScts.missing, service)

  for (const version of versions) {
    const speaking = { minVersion: version, maxVersion: version } as const

    for (const protocol of protocols) {
      test(`is refused where it calls over ${protocol.name}, ${version}; a logged one is not`, async () => {
        const { port, calls } = await mesh.guarded(lake, protocol)
        const refusals = refusalsOf(lake)
        const stolen = await unlogged('nexus')
        const { received } = await callIn(protocol, port, { ...mesh.pairOf(stolen), ...speaking })
        assert.deepEqual([received, calls, refusals.map(({ rule }) => rule)], ['', [], ['NOT_LOGGED']])
        assert.equal(refusals[0]?.peer.serial, stolen.certificate.serial)
        assert.match(refusals[0]!.message, /without an SCT; allowed: one that a transparency log/)
        assert.match(refusals[0]!.fix, /mtls log list/)

        const own = mesh.pairOf(testMesh.newestLeaf('nexus'))
        assert.match((await callIn(protocol, port, { ...own, ...speaking })).received, protocol.answer)
      })
    }

    test(`is refused where it serves, ${version}; a logged one is not`, async () => {
      const serve = async (leaf: TestIdentity) => {
        const options = {
          ...mesh.pairOf(leaf),
          ca: testMesh.ca.root.pem,
          requestCert: true,
          maxVersion: version,
        }
        const server = createTlsServer(options, (socket) => {
          socket.on('error', () => {})
          socket.on('data', () =>
            socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'),
          )
        })
        const port = await listen(server)
        ending.add(() => server.close())
        return async () => (await stream.fetch(`https://lake.service.datapunk:${port}/`)).text()
      }
      await assert.rejects(await serve(await unlogged('lake')), (error: MeshError) => {
        assert.deepEqual([error.code, error.refusal?.rule], ['SERVER_REFUSED', 'NOT_LOGGED'])
        return true
      })
      assert.equal(await (await serve(testMesh.newestLeaf('lake')))(), 'ok')
    })
  }

  const protocol = protocols[0]!
  for (const bad of Object.values(badScts)) {
    test(`is refused with ${bad.fault}`, async () => {
      const { port, calls } = await mesh.guarded(lake, protocol)
      const refusals = refusalsOf(lake)
      const leaf = await testMesh.badlyLogged(bad, 'nexus')
      const { received } = await callIn(protocol, port, mesh.pairOf(leaf))
      assert.deepEqual([received, calls, refusals.map(({ rule }) => rule)], ['', [], ['NOT_LOGGED']])
    })
  }

  test('passes and is reported while logs are only to be reported on, and is cut when they are required', async () => {
    testMesh.transparency('report')
    await mesh.publish(lake)
    const { port } = await mesh.guarded(lake, protocol)
    const reported: Refusal[] = []
    lake.on('reported', (record) => reported.push(record))
    const stolen = await unlogged('nexus')
    assert.match((await callIn(protocol, port, mesh.pairOf(stolen))).received, protocol.answer)
    assert.deepEqual(
      reported.map(({ rule, peer }) => [rule, peer.serial]),
      [['NOT_LOGGED', stolen.certificate.serial]],
    )
    assert.equal(lake.counters.reported.NOT_LOGGED, 1)

    testMesh.transparency('required')
    await mesh.publish(lake)
    assert.equal((await callIn(protocol, port, mesh.pairOf(stolen))).received, '')
  })

  test('is cut from the open connection when logs are required', async () => {
    testMesh.transparency('report')
    await mesh.publish(lake, stream)
    const { port } = await mesh.guarded(lake, protocol)
    const pair = mesh.pairOf(await unlogged('stream'))
    const socket = connect({ ...pair, port, servername: 'lake.service.datapunk', rejectUnauthorized: false })
    ending.add(() => socket.destroy())
    socket.write('GET / HTTP/1.1\r\nHost: lake.service.datapunk\r\n\r\n')
    assert.match(`${(await once(socket, 'data'))[0]}`, /^HTTP\/1\.1 200/)
    const cuts: CutConnection[] = []
    lake.on('cut', (cut) => cuts.push(cut))
    testMesh.transparency('required')
    await mesh.publish(lake)
    assert.deepEqual(
      cuts.map(({ peer, error }) => [peer.service, error.refusal?.rule]),
      [['stream', 'NOT_LOGGED']],
    )
  })

  test('of a log that the trust statement names no more is refused', async () => {
    const { port } = await mesh.guarded(lake, protocol)
    const own = mesh.pairOf(testMesh.newestLeaf('nexus'))
    assert.match((await callIn(protocol, port, own)).received, protocol.answer)
    await testMesh.trust({ logs: [] })
    await mesh.publish(lake)
    const refusals = refusalsOf(lake)
    assert.equal((await callIn(protocol, port, own)).received, '')
    assert.match(refusals[0]!.message, /of a log that the trust statement does not name/)
  })

  test('is nothing that a mesh without a log asks about', async () => {
    testMesh.transparency(undefined)
    await mesh.publish(lake)
    const { port } = await mesh.guarded(lake, protocol)
    assert.match(
      (await callIn(protocol, port, mesh.pairOf(await unlogged('nexus')))).received,
      protocol.answer,
    )
    assert.deepEqual(lake.counters.reported, {})
  })
})

/** What was promised is looked for, off the path of handshakes. */
test('a certificate that its log has promised and does not hold is cut, and the next one refused', async (t) => {
  const testMesh = await TestMesh.create({ services: { lake: {}, nexus: {} }, transparency: 'required' })
  atEnd(t, () => testMesh.remove())
  await testMesh.writeLog()
  const lake = await join('lake', { config: testMesh.configFile })
  atEnd(t, () => lake.leave())
  const server = lake.createServer((_, response) => void response.write('hello'))
  atEnd(t, () => server.close())
  const port = await listen(server)
  const stolen = await testMesh.badlyLogged(promisedOnly, 'nexus')
  const pair = { cert: testMesh.ca.chainPem(stolen), key: stolen.keyPem, ca: testMesh.ca.root.pem }
  const [cut, alarm] = [once(lake, 'cut'), once(lake, 'alarm')]
  const asked = request({ ...pair, port, servername: 'lake.service.datapunk', agent: false })
  asked.on('error', () => {})
  asked.end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  response.on('error', () => {})
  assert.equal(response.statusCode, 200, 'a promise is believed at first')
  const [{ kind, serial }] = (await alarm) as [LogAlarm]
  assert.deepEqual([kind, serial], ['absent', stolen.certificate.serial])
  const [{ peer, error }] = (await cut) as [CutConnection]
  assert.deepEqual([peer.service, error.refusal?.rule], ['nexus', 'NOT_LOGGED'])
  const { received } = await callIn(protocols[0]!, port, pair)
  assert.equal(received, '')
  const own = testMesh.newestLeaf('nexus')
  const other = await callIn(protocols[0]!, port, { cert: testMesh.ca.chainPem(own), key: own.keyPem })
  assert.match(other.received, /^HTTP\/1\.1 200/)
})
