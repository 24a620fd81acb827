import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import { badCertificates, type Fault, TestMesh, testExtension } from '@datapunk/testkit'
import { join, type Mesh, type Refusal, type Rule } from '../index.ts'
import { faultsOfCallers } from '../testing/faults-of-callers.ts'
import { callUnguarded, forgeTicket } from '../testing/forged-ticket.ts'
import { callIn, listenGuarded, protocols } from '../testing/guarded-servers.ts'

/**
 * Every kind of caller that must not get in, over every protocol, with its first bytes sent before the handshake is done.
 * What is counted is what the application hears: nothing.
 */
describe('the gate on a server', () => {
  let testMesh: TestMesh
  let foreign: TestMesh
  let lake: Mesh
  let vault: Mesh

  before(async () => {
    const services = {
      lake: { allow: ['stream', 'nexus', 'gone'] },
      vault: { minTls: '1.2' },
      stream: { ipAddresses: ['127.0.0.1', '::1'] },
      nexus: {},
      gone: {},
    } as const
    testMesh = await TestMesh.create({ services })
    foreign = await TestMesh.foreign(testMesh, services)
    testMesh.change('gone', 'remove')
    const names = { spiffeId: 'spiffe://service.datapunk/probe', dnsNames: ['probe.service.datapunk'] }
    testMesh.restore({ ...testMesh.member('nexus'), service: 'probe', ...names, callers: [] })
    await testMesh.publish()
    lake = await join('lake', { config: testMesh.configFile })
    vault = await join('vault', { config: testMesh.configFile })
  })

  after(async () => {
    await Promise.all([lake.leave(), vault.leave()])
    await Promise.all([testMesh.remove(), foreign.remove()])
  })

  const pairOf = async (leaf: Promise<{ keyPem: string; pem: string }>): Promise<ConnectionOptions> => {
    const { pem, keyPem } = await leaf
    // A weak key is not for the caller's own OpenSSL to refuse.
    return { cert: pem + testMesh.ca.issuing.pem, key: keyPem, ciphers: 'DEFAULT:@SECLEVEL=0' }
  }

  for (const protocol of protocols) {
    const call = async (options: ConnectionOptions, mesh = lake, serverOptions = {}) => {
      const { server, port, calls } = await listenGuarded(mesh, protocol, serverOptions)
      const refusals: Refusal[] = []
      const record = (refusal: Refusal) => refusals.push(refusal)
      mesh.on('refused', record)
      try {
        const outcome = await callIn(protocol, port, options)
        return { outcome, calls, refusals }
      } finally {
        mesh.off('refused', record)
        server.close()
      }
    }
    const assertRefused = (result: Awaited<ReturnType<typeof call>>, rule?: Rule) => {
      assert.deepEqual(result.calls, [])
      assert.equal(result.outcome.received, '')
      assert.equal(result.refusals.length, 1)
      const [refusal] = result.refusals
      if (rule !== undefined) assert.equal(refusal?.rule, rule)
      assert.equal(refusal?.direction, 'in')
      assert.ok(refusal.message !== '' && refusal.fix !== '')
      assert.equal(refusal.code, 'CALLER_REFUSED')
      const { service } = refusal.peer
      const why = service === undefined ? undefined : `mtls why ${service} ${refusal.self.service}`
      assert.equal(refusal.why, why)
      if (why !== undefined) assert.ok(refusal.fix.endsWith(`; \`${why}\` tells every rule`))
    }

    describe(`over ${protocol.name}`, () => {
      test('a member that may call is answered', async () => {
        const { outcome, calls, refusals } = await call(await pairOf(testMesh.leaf('stream')))
        assert.match(outcome.received, protocol.answer)
        assert.ok(calls.includes('secureConnection') && calls.includes('secureConnection, late'))
        assert.deepEqual(refusals, [])
      })

      test('a caller without a certificate is refused', async () => {
        assertRefused(await call({}), 'NO_CERTIFICATE')
      })

      for (const [name, rule] of Object.entries(faultsOfCallers)) {
        const { fault, make } = badCertificates[name as Fault]
        test(`a certificate with ${fault} is refused`, async () => {
          assertRefused(await call(await pairOf(make(testMesh.ca, 'stream'))), rule ?? undefined)
        })
      }

      test('a member of another mesh with the same names is refused', async () => {
        const leaf = await foreign.leaf('stream')
        const result = await call({ cert: foreign.ca.chainPem(leaf), key: leaf.keyPem })
        assertRefused(result, 'ISSUER_UNKNOWN')
        assert.equal(result.refusals[0]?.peer.spiffeId, 'spiffe://service.datapunk/stream')
      })

      test('what a stranger says of himself fills no log', async () => {
        const uris = [`spiffe://service.datapunk/${'a'.repeat(1800)}`]
        const subjectAltName = testExtension.subjectAltName({ uris })
        const leaf = await foreign.ca.leaf('stream', { extensions: { subjectAltName } })
        const result = await call({ cert: foreign.ca.chainPem(leaf), key: leaf.keyPem })
        assertRefused(result, 'ISSUER_UNKNOWN')
        assert.equal(result.refusals[0]?.peer.spiffeId?.length, 1001)
      })

      test('a name that our CA signed and no member has is refused', async () => {
        const result = await call(await pairOf(testMesh.ca.leaf('intruder')))
        assertRefused(result, 'NOT_A_MEMBER')
      })

      test('a service that is a member no more is refused', async () => {
        assertRefused(await call(await pairOf(testMesh.ca.leaf('gone'))), 'NOT_A_MEMBER')
      })

      test('a member that may not call gets 403 from servers of HTTP, and nothing from others', async () => {
        const { outcome, calls, refusals } = await call(await pairOf(testMesh.leaf('vault')))
        assert.deepEqual(calls, [])
        assert.equal(refusals[0]?.rule, 'CALLER_NOT_ALLOWED')
        assert.equal(refusals[0]?.peer.service, 'vault')
        assert.equal(refusals[0].why, 'mtls why vault lake')
        if (protocol.forbidden === undefined) assert.equal(outcome.received, '')
        else assert.match(outcome.received, protocol.forbidden)
      })

      test('the member that probes is refused also where all members may call, and nobody has to mend that', async () => {
        const { calls, refusals } = await call(await pairOf(testMesh.leaf('probe')), vault)
        assert.deepEqual([calls, refusals.map(({ rule }) => rule)], [[], ['CALLER_NOT_ALLOWED']])
        assert.match(refusals[0]!.fix, /^nothing is to be mended/)
      })

      test('a ticket forged with ticket keys that the server was made with is worth nothing', async () => {
        const ticketKeys = randomBytes(48)
        const session = await forgeTicket(testMesh, ticketKeys)
        const stranger = { session, minVersion: 'TLSv1.3' } as const
        const unguarded = await callUnguarded(testMesh, protocol, ticketKeys, stranger)
        assert.equal(unguarded.resumed, true)
        assert.match(unguarded.received, protocol.answer)

        const result = await call(stranger, lake, { ticketKeys })
        assertRefused(result, 'NO_CERTIFICATE')
        assert.equal(result.outcome.resumed, false)
      })

      test('a ticket of another server of the mesh is worth nothing', async () => {
        const other = await listenGuarded(vault, protocol)
        const member = await pairOf(testMesh.leaf('stream'))
        const first = await callIn(protocol, other.port, { ...member, minVersion: 'TLSv1.3' })
        other.server.close()
        const [session] = first.sessions
        assert.ok(session !== undefined)
        const result = await call({ session, minVersion: 'TLSv1.3' })
        assertRefused(result, 'NO_CERTIFICATE')
        assert.equal(result.outcome.resumed, false)
      })

      for (const maxVersion of ['TLSv1.1', 'TLSv1.2'] as const) {
        test(`${maxVersion} is refused`, async () => {
          const member = await pairOf(testMesh.leaf('stream'))
          const result = await call({
            ...member,
            minVersion: 'TLSv1',
            maxVersion,
            ciphers: 'ALL:@SECLEVEL=0',
          })
          assertRefused(result, 'TLS_HANDSHAKE_FAILED')
        })
      }

      test('TLS 1.2 is spoken where the config says so, and TLS 1.1 is not', async () => {
        const member = await pairOf(testMesh.leaf('stream'))
        const old = { minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' } as const
        const accepted = await call({ ...member, ...old, maxVersion: 'TLSv1.2' }, vault)
        assert.equal(accepted.outcome.protocol, 'TLSv1.2')
        assert.match(accepted.outcome.received, protocol.answer)
        assertRefused(await call({ ...member, ...old, maxVersion: 'TLSv1.1' }, vault), 'TLS_HANDSHAKE_FAILED')
        const strangers = await call({ ...old, maxVersion: 'TLSv1.2' }, vault)
        assertRefused(strangers, 'NO_CERTIFICATE')
      })

      test('an application protocol that the server does not speak is refused', async () => {
        const member = await pairOf(testMesh.leaf('stream'))
        assertRefused(await call({ ...member, ALPNProtocols: ['smtp'] }), 'TLS_HANDSHAKE_FAILED')
      })
    })
  }
})
