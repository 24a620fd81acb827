import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { connect, createServer as createTlsServer } from 'node:tls'
import { type Ending, type TestIdentity, TestMesh } from '@datapunk/testkit'
import { type CutConnection, join, type Mesh, type MeshError, type Refusal } from './index.ts'
import { forgeTicket } from './testing/forged-ticket.ts'
import { callIn, protocols } from './testing/guarded-servers.ts'
import { listen } from './testing/listen.ts'
import { RefusingMesh, refusalsOf, refusingServices } from './testing/refusing-mesh.ts'

const versions = ['TLSv1.3', 'TLSv1.2'] as const

/** Certificates of the true issuing CA, for the true names of a member, and for keys that the bundle does not name. */
describe('a key that is not pinned', () => {
  let mesh: RefusingMesh
  let testMesh: TestMesh
  let lake: Mesh
  let stream: Mesh
  let ending: Ending

  beforeEach(async () => {
    testMesh = await TestMesh.create({ services: refusingServices })
    testMesh.pinning('required')
    await testMesh.publish()
    mesh = await RefusingMesh.open(testMesh)
    lake = mesh.lake
    stream = mesh.stream
    ending = mesh.ending
  })

  afterEach(() => ending.end())

  for (const version of versions) {
    const speaking = { minVersion: version, maxVersion: version } as const

    for (const protocol of protocols) {
      test(`is refused where it calls over ${protocol.name}, ${version}; a pinned one is not`, async () => {
        const { port, calls } = await mesh.guarded(lake, protocol)
        const refusals = refusalsOf(lake)
        const stolen = await testMesh.leaf('nexus')
        const { received } = await callIn(protocol, port, { ...mesh.pairOf(stolen), ...speaking })
        assert.deepEqual([received, calls, refusals.map(({ rule }) => rule)], ['', [], ['NOT_PINNED']])
        assert.equal(refusals[0]?.peer.serial, stolen.certificate.serial)
        assert.match(refusals[0]!.message, /key sha256\/\S{44}, which bundle 1\.2 does not name/)
        assert.match(refusals[0]!.fix, /mtls pins --suspend/)

        const own = mesh.pairOf(testMesh.newestLeaf('nexus'))
        assert.match((await callIn(protocol, port, { ...own, ...speaking })).received, protocol.answer)
        // The key of one member is no key of another.
        testMesh.pin('stream', stolen)
        await mesh.publish(lake)
        assert.equal((await callIn(protocol, port, { ...mesh.pairOf(stolen), ...speaking })).received, '')
        testMesh.pin('nexus', stolen)
        await mesh.publish(lake)
        assert.match(
          (await callIn(protocol, port, { ...mesh.pairOf(stolen), ...speaking })).received,
          protocol.answer,
        )
      })
    }

    test(`is refused where it serves, ${version}; a pinned one is not`, async () => {
      const stolen = await testMesh.leaf('lake')
      const options = {
        ...mesh.pairOf(stolen),
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
      const call = async () => (await stream.fetch(`https://lake.service.datapunk:${port}/`)).text()
      const refused = (error: MeshError) => {
        assert.deepEqual([error.code, error.refusal?.rule], ['SERVER_REFUSED', 'NOT_PINNED'])
        assert.equal(error.refusal?.code, error.code)
        assert.equal(error.message.endsWith(`; \`${error.data.why}\` tells every rule`), true)
        assert.deepEqual(
          [error.data.rule, error.data.why],
          ['NOT_PINNED', `mtls why ${error.data.self} ${error.data.peer}`],
        )
        return true
      }
      await assert.rejects(call(), refused)
      testMesh.pin('lake', stolen)
      await mesh.publish(stream)
      assert.equal(await call(), 'ok')
      testMesh.pin('lake', stolen, false)
      await mesh.publish(stream)
      await assert.rejects(call(), refused)
    })
  }

  for (const protocol of protocols) {
    test(`with a ticket from when it was pinned is refused, over ${protocol.name}`, async () => {
      const { port, calls } = await mesh.guarded(stream, protocol)
      const refusals = refusalsOf(stream)
      const pair = mesh.pairOf(testMesh.newestLeaf('nexus'))
      const call = (session?: Buffer) => callIn(protocol, port, { ...pair, ...(session && { session }) })
      const [first, second] = (await call()).sessions
      assert.equal((await call(first)).resumed, true, 'it works until then')
      calls.length = 0
      testMesh.pin('nexus', testMesh.newestLeaf('nexus'), false)
      await mesh.publish(stream)
      const { received } = await call(second)
      assert.deepEqual([received, calls, refusals.map(({ rule }) => rule)], ['', [], ['NOT_PINNED']])
    })

    test(`is refused in a session that is resumed, over ${protocol.name}`, async () => {
      const drawn: Buffer[] = []
      const random = (size: number) => {
        drawn.push(randomBytes(size))
        return drawn.at(-1)!
      }
      const exposed = await join('stream', { config: testMesh.configFile, random })
      ending.add(() => exposed.leave())
      const { port, calls } = await mesh.guarded(exposed, protocol)
      const refusals = refusalsOf(exposed)
      // The ticket keys are known, so that no certificate is shown.
      const forge = async (leaf: TestIdentity) => {
        const [ticketKeys, context] = drawn.filter(({ length }) => length === 48 || length === 16).slice(-2)
        return forgeTicket(testMesh, ticketKeys!, { leaf, sessionIdContext: context!.toString('hex') })
      }
      const pinned = await callIn(protocol, port, { session: await forge(testMesh.newestLeaf('nexus')) })
      assert.deepEqual([pinned.resumed, protocol.answer.test(pinned.received)], [true, true])
      calls.length = 0
      const { resumed, received } = await callIn(protocol, port, {
        session: await forge(await testMesh.leaf('nexus')),
      })
      assert.deepEqual([resumed, received, calls], [true, '', []])
      assert.deepEqual(
        refusals.map(({ rule }) => rule),
        ['NOT_PINNED'],
      )
    })
  }

  test('is cut off where a connection is open, when it is pinned no more', async () => {
    const { port } = await mesh.guarded(lake, protocols[0]!)
    const leaf = testMesh.newestLeaf('nexus')
    const socket = connect({ ...mesh.pairOf(leaf), port, host: '127.0.0.1', rejectUnauthorized: false })
    const accepted = once(lake, 'accepted')
    socket.on('error', () => {}).resume()
    await accepted
    await mesh.publish(lake)
    assert.equal(lake.counters.open, 1, 'another bundle that names it cuts nothing')
    const cut = once(lake, 'cut') as Promise<[CutConnection]>
    const closed = once(socket, 'close')
    testMesh.pin('nexus', leaf, false)
    await mesh.publish(lake)
    const [{ peer, error }] = await cut
    assert.deepEqual(
      [peer.service, error.code, error.refusal?.rule],
      ['nexus', 'CONNECTION_CUT', 'NOT_PINNED'],
    )
    await closed
  })

  test('is reported, and let in, where that is all the bundle wants; and nobody asks where it wants nothing', async () => {
    testMesh.pinning('report')
    await mesh.publish(lake)
    const { port } = await mesh.guarded(lake, protocols[0]!)
    const reports: Refusal[] = []
    lake.on('reported', (report) => reports.push(report))
    const stranger = await testMesh.leaf('nexus')
    for (const leaf of [testMesh.newestLeaf('nexus'), stranger, stranger])
      assert.match((await callIn(protocols[0]!, port, mesh.pairOf(leaf))).received, protocols[0]!.answer)
    assert.deepEqual(
      reports.map(({ rule, direction, peer }) => [rule, direction, peer.serial]),
      [stranger, stranger].map(({ certificate }) => ['NOT_PINNED', 'in', certificate.serial]),
    )
    assert.deepEqual([lake.counters.reported, lake.counters.refused], [{ NOT_PINNED: 2 }, {}])

    testMesh.pinning('off')
    await mesh.publish(lake)
    assert.match((await callIn(protocols[0]!, port, mesh.pairOf(stranger))).received, protocols[0]!.answer)
    assert.equal(reports.length, 2)
  })

  test('is not taken up by its own service before the bundle names it', async () => {
    const before = testMesh.newestLeaf('lake')
    const problems: MeshError[] = []
    lake.on('problem', (problem) => problems.push(problem))
    const next = await testMesh.rotate('lake')
    await lake.refresh()
    assert.deepEqual(
      [...new Set(problems.map(({ code, data }) => `${code} ${data.rule}`))],
      ['CERTIFICATE_REFUSED NOT_PINNED'],
    )
    const shown = async () => {
      const { port } = await mesh.guarded(lake, protocols[2]!)
      const socket = await stream.connect({ host: 'lake.service.datapunk', port })
      const { serialNumber } = socket.getPeerCertificate()
      socket.destroy()
      return serialNumber.toLowerCase()
    }
    assert.equal(await shown(), before.certificate.serial.replace(/^00/, ''))
    await mesh.publish(lake, stream)
    assert.equal(await shown(), next.certificate.serial.replace(/^00/, ''))
  })
})
