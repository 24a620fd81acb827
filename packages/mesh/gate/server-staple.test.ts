import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, afterEach, before, describe, test } from 'node:test'
import { createServer as createTlsServer, type Server } from 'node:tls'
import { FixedClock, TestAuthority, type TestIdentity, TestMesh } from '@datapunk/testkit'
import { type Accepted, join, type Mesh, type MeshError, type Rule } from '../index.ts'
import { listen } from '../testing/listen.ts'

const day = 24 * 60 * 60 * 1000

type Make = (leaf: TestIdentity) => Promise<Uint8Array> | Uint8Array | null

describe('a server that is called', () => {
  let testMesh: TestMesh
  let authority: TestAuthority
  let stream: Mesh
  let server: Server
  let asked: number

  before(async () => {
    const lake = { minTls: '1.2', ocspStapling: 'required' } as const
    testMesh = await TestMesh.create({ services: { lake, nexus: { minTls: '1.2' }, stream: {} } })
    authority = await TestAuthority.start(testMesh)
    stream = await join('stream', { config: testMesh.configFile })
  })

  after(async () => {
    await stream.leave()
    await authority.stop()
    await testMesh.remove()
  })

  afterEach(() => server.close())

  /** With that service's newest pair, but no mesh: it staples whatever it is told, and speaks first. */
  const serve = async (service: string, maxVersion: 'TLSv1.3' | 'TLSv1.2', staple: Uint8Array | null) => {
    const leaf = testMesh.newestLeaf(service)
    const pair = { cert: testMesh.ca.chainPem(leaf), key: leaf.keyPem, ca: testMesh.ca.root.pem }
    server = createTlsServer({ ...pair, requestCert: true, maxVersion }, (socket) => {
      socket.on('error', () => {})
      socket.end('hello')
    })
    asked = 0
    server.on('OCSPRequest', (_leaf, _issuer, give) => {
      asked++
      give(null, staple && Buffer.from(staple))
    })
    return listen(server)
  }

  const call = async (service: string, port: number) => {
    const accepted = once(stream, 'accepted') as Promise<[Accepted]>
    const socket = await stream.connect({ host: service, port })
    const chunks = await socket.toArray()
    const [{ resumed }] = await accepted
    return { heard: String(chunks), resumed }
  }

  const staples: Readonly<
    Record<string, readonly [Make, demanded: Rule | undefined, not: Rule | undefined]>
  > = {
    'no staple': [() => null, 'STAPLE_MISSING', undefined],
    'a good one': [(leaf) => authority.sign(leaf), undefined, undefined],
    'one of another certificate': [
      () => authority.sign(testMesh.newestLeaf('stream')),
      'STAPLE_BAD',
      undefined,
    ],
    'one that has ended': [
      (leaf) => authority.sign(leaf, { thisUpdate: testMesh.ca.at - 4 * day }),
      'STAPLE_BAD',
      undefined,
    ],
    'one of the future': [
      (leaf) => authority.sign(leaf, { thisUpdate: testMesh.ca.at + day }),
      'STAPLE_BAD',
      undefined,
    ],
    'one that it has signed itself': [(leaf) => authority.sign(leaf, { by: leaf }), 'STAPLE_BAD', undefined],
    'one that knows nothing': [
      (leaf) => authority.sign(leaf, { status: { kind: 'unknown' } }),
      'STAPLE_BAD',
      undefined,
    ],
    'no DER': [() => Buffer.from('good'), 'STAPLE_BAD', undefined],
    'an error of the responder': [() => Uint8Array.of(0x30, 3, 0x0a, 1, 3), 'STAPLE_BAD', undefined],
    'one that says revoked': [
      (leaf) => authority.sign(leaf, { status: { kind: 'revoked', at: 0, reason: 'keyCompromise' } }),
      'REVOKED',
      'REVOKED',
    ],
    'one that says revoked, of a stranger': [
      (leaf) => authority.sign(leaf, { by: leaf, status: { kind: 'revoked', at: 0, reason: 'superseded' } }),
      'STAPLE_BAD',
      undefined,
    ],
  }

  for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
    for (const [what, [make, demanded, otherwise]] of Object.entries(staples)) {
      for (const [service, rule, demands] of [
        ['lake', demanded, 'demands one'],
        ['nexus', otherwise, 'demands none'],
      ] as const) {
        test(`with ${what}, whose certificate ${demands}: ${rule ?? 'passes'} (${maxVersion})`, async () => {
          const port = await serve(service, maxVersion, await make(testMesh.newestLeaf(service)))
          if (rule === undefined) {
            assert.equal((await call(service, port)).heard, 'hello')
          } else {
            const refused = once(stream, 'refused')
            await assert.rejects(stream.connect({ host: service, port }), (error: MeshError) => {
              assert.deepEqual([error.code, error.refusal?.rule], ['SERVER_REFUSED', rule])
              assert.match(error.message, /found .*; allowed: .*`mtls/s)
              return true
            })
            assert.equal((await refused)[0].peer.service, service)
          }
          assert.equal(asked, 1)
        })
      }
    }
  }

  test('is not asked again when a session is resumed', async () => {
    const port = await serve('lake', 'TLSv1.3', await authority.sign(testMesh.newestLeaf('lake')))
    assert.equal((await call('lake', port)).resumed, false)
    assert.deepEqual(await call('lake', port), { heard: 'hello', resumed: true })
    assert.equal(asked, 1)
  })

  test('keeps the connections that are open when its staple ends', async () => {
    const clock = new FixedClock(testMesh.ca.at)
    const caller = await join('stream', { config: testMesh.configFile, clock, pollEvery: 2 ** 31 - 1 })
    const staple = await authority.sign(testMesh.newestLeaf('lake'))
    const port = await serve('lake', 'TLSv1.3', staple)
    server.removeAllListeners('secureConnection').on('secureConnection', (socket) => socket.pipe(socket))
    const socket = await caller.connect({ host: 'lake', port })
    clock.advance(4 * day)
    await testMesh.publish(clock.now())
    await caller.refresh()
    assert.equal(caller.counters.cut, 0)
    socket.end('still here')
    assert.equal(String(await socket.toArray()), 'still here')
    await assert.rejects(caller.connect({ host: 'lake', port }), (error: MeshError) => {
      assert.equal(error.refusal?.rule, 'STAPLE_BAD')
      return true
    })
    await caller.leave()
  })
})
