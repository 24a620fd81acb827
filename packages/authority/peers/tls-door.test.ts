import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { parseCertificate, type Signer } from '@datapunk/pki'
import { FixedClock, TestCa, type TestIdentity, type TestOverrides, testExtension } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import type { Engine } from '../engine/engine.ts'
import { activeSlot, certificateOf } from '../engine/slots.ts'
import type { AuthorityEvent } from '../events/event.ts'
import { takeInventory } from '../inventory/take-inventory.ts'
import { DRAIN_TIME } from '../planning/lifetimes.ts'
import { plan } from '../planning/plan.ts'
import { prepareProbe } from '../probe/prepare-probe.ts'
import { revoke } from '../revocation/revoke.ts'
import { takeStep } from '../rollover/roll.ts'
import { rotate } from '../rotation/rotate.ts'
import { testEngine } from '../testing/test-engine.ts'
import type { OwnPair } from './own-pair.ts'
import { TlsDoor } from './tls-door.ts'

const DAY = 24 * 60 * 60 * 1000
const yes = { approve: () => true }
const config = (...services: string[]) => ({
  services: Object.fromEntries(services.map((name) => [name, { validity_days: 3 }])),
})

describe('the door for peers on other hosts', () => {
  let folders: string[]
  let clock: FixedClock
  let engine: Engine & { readonly events: AuthorityEvent[] }
  let door: TlsDoor
  let admitted: Socket[]

  const engineOf = (...services: string[]) => {
    const dir = mkdtempSync(join(tmpdir(), 'door-'))
    folders.push(dir)
    return testEngine({ dir, clock, config: config(...services) })
  }

  beforeEach(async () => {
    folders = []
    admitted = []
    // OpenSSL has no other clock than the machine's.
    clock = new FixedClock(Date.now())
    engine = engineOf('lake', 'stream')
    await apply(engine, yes)
    door = new TlsDoor({
      ...{ ...engine, maxConnections: 16, maxOfOne: 4 },
      admit: (socket) => admitted.push(socket),
    })
    await engine.ownPair.renew(engine)
    await door.listen({ host: '127.0.0.1', port: 0 })
    engine.events.length = 0
  })

  afterEach(async () => {
    await door.close()
    for (const dir of folders) rmSync(dir, { recursive: true })
  })

  const pairOf = (service: string, of: Engine = engine) => {
    const { cert, key } = of.config.services.get(service)!
    return { cert: readFileSync(cert), key: readFileSync(key) }
  }

  const dial = (options: ConnectionOptions): TLSSocket => {
    const socket = connect({
      host: '127.0.0.1',
      port: door.address!.port,
      rejectUnauthorized: false,
      ...options,
    })
    socket.on('error', () => {})
    return socket
  }

  /** Speaks before the handshake is done, and listens until the end. @returns what was heard */
  const heardBy = async (socket: Socket): Promise<string> => {
    const heard: Buffer[] = []
    socket.on('data', (chunk: Buffer) => heard.push(chunk))
    socket.on('error', () => {})
    const ended = new Promise((resolve) => socket.once('close', resolve))
    socket.write('GET /documents HTTP/1.1\r\nHost: authority\r\n\r\n')
    await ended
    return Buffer.concat(heard).toString('latin1')
  }

  const withIssuingKey = <T>(use: (issuer: TestIdentity) => Promise<T>): Promise<T> => {
    const slot = activeSlot(engine, 'issuing-ca')
    const issuer = (signer: Signer) => ({ certificate: certificateOf(slot), signer }) as TestIdentity
    return engine.keys.withSigner(slot, (signer) => use(issuer(signer)))
  }

  const identity = ({ pem, keyPem }: TestIdentity) => ({ cert: pem, key: keyPem })

  /** A certificate of lake by the issuing key, and of another key than lake’s. */
  const forged = (overrides: TestOverrides = {}) =>
    withIssuingKey(async (issuer) => {
      const ca = await TestCa.create({ trustDomain: 'service.internal', at: Date.now() })
      const subjectAltName = testExtension.subjectAltName({
        dnsNames: ['lake.service.internal'],
        uris: ['spiffe://service.internal/lake'],
      })
      return identity(await ca.leaf('lake', { extensions: { subjectAltName }, ...overrides }, issuer))
    })

  test('lets in whoever shows the certificate of an instance, and knows which', async () => {
    const socket = dial(pairOf('lake'))
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    assert.equal(socket.getProtocol(), 'TLSv1.3')
    const shown = parseCertificate(socket.getPeerX509Certificate()!.raw)
    assert.deepEqual(shown.extensions.subjectAltName?.uris, ['spiffe://service.internal/authority'])
    assert.deepEqual(shown.extensions.subjectAltName?.dnsNames, ['authority.service.internal'])
    while (admitted.length === 0) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(door.callerOf(admitted[0]!)?.instance, 'lake')
    assert.deepEqual([door.strangers.size, engine.events], [0, []])
    socket.destroy()
  })

  test('lets in so many of one instance and no more, and keeps nobody else out for them', async () => {
    const secure = (socket: TLSSocket) => new Promise((resolve) => socket.once('secureConnect', resolve))
    const four = Array.from({ length: 4 }, () => dial(pairOf('lake')))
    await Promise.all(four.map(secure))
    while (admitted.length < 4) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(await heardBy(dial(pairOf('lake'))), '')
    const [told] = engine.events
    assert.ok(told?.kind === 'peer-refused')
    assert.equal(told.detail.code, 'TOO_MANY_CONNECTIONS')
    const other = dial(pairOf('stream'))
    await secure(other)
    while (admitted.length < 5) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(door.callerOf(admitted[4]!)?.instance, 'stream')
    for (const socket of [...four, other]) socket.destroy()
  })

  const strangers: Record<
    string,
    { code: string; show: () => Promise<ConnectionOptions> | ConnectionOptions }
  > = {
    'shows no certificate': { code: 'NO_CERTIFICATE', show: () => ({}) },
    'has signed his own': {
      code: 'ISSUER_UNKNOWN',
      show: async () => identity((await TestCa.create({ at: Date.now() })).root),
    },
    'is of another mesh of the same names': {
      code: 'AUTHORITY_KEY_MISMATCH',
      async show() {
        const other = engineOf('lake')
        await apply(other, yes)
        return pairOf('lake', other)
      },
    },
    'is of a service that was removed': {
      code: 'NOT_A_MEMBER',
      async show() {
        const pair = pairOf('stream')
        const { config: without } = engineOf('lake')
        await apply({ ...engine, config: { ...without, paths: engine.config.paths } }, yes)
        door.refresh()
        return pair
      },
    },
    'only knocks, to be refused': {
      code: 'NOT_A_MEMBER',
      async show() {
        const { current } = await prepareProbe(engine)
        door.refresh()
        const [cert, key] = ['cert.pem', 'key.pem'].map((name) => readFileSync(join(current.folder, name)))
        return { cert, key }
      },
    },
    'is too late': {
      code: 'CERTIFICATE_EXPIRED',
      show() {
        clock.advance(4 * DAY)
        return pairOf('lake')
      },
    },
    'has signed with the stolen issuing key what nobody recorded': {
      code: 'CERTIFICATE_UNKNOWN',
      show: () => forged(),
    },
    'has signed with it what bears the serial of lake’s': {
      code: 'CERTIFICATE_UNKNOWN',
      show: () => {
        const { serial } = engine.store.currentCertificates().find(({ instance }) => instance === 'lake')!
        return forged({ serial: Buffer.from(serial.replace(/^00/, ''), 'hex') })
      },
    },
    'is revoked': {
      code: 'REVOKED',
      async show() {
        const pair = pairOf('lake')
        await revoke(engine, { targets: [{ service: 'lake' }], reason: 'superseded' })
        door.refresh()
        return pair
      },
    },
    'shows what the authority shows': {
      code: 'CERTIFICATE_UNKNOWN',
      show: () => ({ cert: engine.ownPair.served!.certificate, key: engine.ownPair.served!.key }),
    },
    'speaks an older TLS': {
      code: 'TLS_HANDSHAKE_FAILED',
      show: () => ({ ...pairOf('lake'), maxVersion: 'TLSv1.2' }),
    },
    'wants another protocol than HTTP/1.1': {
      code: 'TLS_HANDSHAKE_FAILED',
      show: () => ({ ...pairOf('lake'), ALPNProtocols: ['h2'] }),
    },
  }

  for (const [what, { code, show }] of Object.entries(strangers)) {
    test(`closes without a word on who ${what}: ${code}`, async () => {
      const options = await show()
      engine.events.length = 0
      assert.equal(await heardBy(dial(options)), '')
      assert.equal(admitted.length, 0)
      assert.deepEqual(
        engine.events.map((event) => event.kind === 'peer-refused' && event.detail.code),
        [code],
      )
    })
  }

  test('closes without a word on who speaks plain HTTP', async () => {
    const asked = request({ host: '127.0.0.1', port: door.address!.port, path: '/documents' })
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => asked.once('error', resolve).end())
    assert.match(error.code ?? '', /ECONNRESET|HPE_/)
    assert.equal(admitted.length, 0)
    assert.deepEqual(
      engine.events.map((event) => event.kind === 'peer-refused' && event.detail.code),
      ['TLS_HANDSHAKE_FAILED'],
    )
  })

  test('cuts whoever is removed, and whoever’s certificate ends', async () => {
    const [lake, stream] = [dial(pairOf('lake')), dial(pairOf('stream'))]
    const closed = (socket: Socket) => new Promise((resolve) => socket.resume().once('close', resolve))
    const [lakeGone, streamGone] = [closed(lake), closed(stream)]
    while (admitted.length < 2) await new Promise((resolve) => setImmediate(resolve))
    const { config: without } = engineOf('lake')
    await apply({ ...engine, config: { ...without, paths: engine.config.paths } }, yes)
    door.refresh()
    assert.deepEqual(admitted.map(({ destroyed }) => destroyed).sort(), [false, true])
    await streamGone
    assert.equal(lake.destroyed, false)
    clock.advance(4 * DAY)
    await lakeGone
  })

  test('lets in who came since it last looked', async () => {
    const { config: more } = engineOf('lake', 'stream', 'nexus')
    await apply({ ...engine, config: { ...more, paths: engine.config.paths } }, yes)
    const nexus = dial(pairOf('nexus', { ...engine, config: more }))
    while (admitted.length === 0) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(door.callerOf(admitted[0]!)?.instance, 'nexus')
    nexus.destroy()
  })

  test('goes by the CAs that are trusted since it was told to look', async () => {
    const before = pairOf('lake')
    await rotate(engine, { what: 'compromised', kind: 'issuing-ca' })
    door.refresh()
    const lake = dial(pairOf('lake'))
    while (admitted.length === 0 && !lake.destroyed) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(admitted.length, 1)
    engine.events.length = 0
    assert.equal(await heardBy(dial(before)), '')
    const [told] = engine.events
    assert.equal(told?.kind === 'peer-refused' && told.detail.code, 'ISSUER_UNKNOWN')
    lake.destroy()
  })

  test('tells once of who was revoked, and leaves him to hear of it, and whoever is good alone', async () => {
    const sockets = [dial(pairOf('lake')), dial(pairOf('stream'))]
    while (admitted.length < 2) await new Promise((resolve) => setImmediate(resolve))
    await revoke(engine, { targets: [{ service: 'lake' }], reason: 'superseded' })
    door.refresh()
    door.refresh()
    assert.deepEqual(
      engine.events.flatMap((event) => (event.kind === 'peer-refused' ? [event.detail.code] : [])),
      ['REVOKED'],
    )
    assert.deepEqual(
      admitted.map(({ destroyed }) => destroyed),
      [false, false],
    )
    for (const socket of sockets) socket.destroy()
  })

  test('tells of strangers, but not of every one of a flood', async () => {
    for (let n = 0; n < 25; n++) await heardBy(dial({}))
    assert.equal(engine.events.length, 20)
  })

  test('can’t be opened where another process listens', async () => {
    const second = new TlsDoor({ ...engine, maxConnections: 16, admit: () => {} })
    await assert.rejects(second.listen({ host: '127.0.0.1', port: door.address!.port }), {
      code: 'LISTEN_FAILED',
      message: /another process listens there; allowed: .*authority\.listen/,
    })
    await second.close()
  })

  describe('shows a certificate of its own', () => {
    const own = () => engine.store.issuedOf('authority')

    test('that is no member’s: nobody else hears of it', () => {
      assert.equal(own().length, 1)
      assert.equal(own()[0]?.instance, undefined)
      assert.deepEqual(
        engine.store.services().map(({ service }) => service),
        ['lake', 'stream'],
      )
      assert.deepEqual(plan(engine.config, takeInventory(engine), clock.now()), {
        ...{ actions: [], waits: [], asks: [], takeAway: [] },
      })
    })

    test('only where others are to come in', async () => {
      const alone = engineOf('lake')
      await apply(alone, yes)
      assert.deepEqual([alone.store.issuedOf('authority'), alone.ownPair.dueAt], [[], undefined])
    })

    test('for at most a week, and renews it when half of that is over', async () => {
      const { serial, notAfter, renewalDue } = engine.ownPair.served!
      assert.ok(notAfter - clock.now() < 7 * DAY && renewalDue - clock.now() < 3.5 * DAY)
      await engine.ownPair.renew(engine)
      assert.equal(engine.ownPair.served?.serial, serial)
      clock.set(renewalDue)
      await apply(engine, yes)
      assert.notEqual(engine.ownPair.served?.serial, serial)
      assert.equal(own().length, 2)
    })

    test('of the issuing CA in use, which is not retired before', async () => {
      const { served } = engine.ownPair
      const stuck = {
        ...engine,
        ownPair: { served, dueAt: undefined, renew: async () => {} } as unknown as OwnPair,
      }
      const stateOf = (id: string) => engine.store.slots().find((slot) => slot.id === id)?.state
      engine.peers.opened()
      clock.advance(60_000)
      await takeStep(engine, { kind: 'prepare', slotKind: 'issuing-ca', reason: 'asked for' })
      const { waits } = await apply(stuck, yes)
      assert.match(
        JSON.stringify(waits),
        /"stage":"re-issue".*"instance":"authority","reason":"has a certificate/,
      )
      clock.advance(DRAIN_TIME)
      await apply(stuck, yes)
      assert.equal(stateOf('issuing-ca-1'), 'retiring')
      await apply(engine, yes)
      await apply(engine, yes)
      assert.deepEqual(
        [stateOf('issuing-ca-1'), engine.ownPair.served?.under[0]],
        ['retired', 'issuing-ca-2'],
      )
    })

    test('as long as it lasts, when no other can be made, and tries again', async () => {
      const { serial, renewalDue } = engine.ownPair.served!
      clock.set(renewalDue)
      const keys = { withSigner: () => Promise.reject(new Error('no passphrase')) }
      for (const _ of ['once', 'and too soon again'])
        await engine.ownPair.renew({ ...engine, keys } as unknown as Engine)
      assert.equal(engine.ownPair.served?.serial, serial)
      assert.deepEqual(
        engine.events.map(({ kind, subject }) => [kind, subject]),
        [['issue-failed', 'authority']],
      )
      assert.ok(engine.ownPair.dueAt! > clock.now())
      clock.set(engine.ownPair.dueAt!)
      await engine.ownPair.renew(engine)
      assert.notEqual(engine.ownPair.served?.serial, serial)
    })

    test('of the next issuing CA at once, though none could be made under the one before', async () => {
      clock.set(engine.ownPair.served!.renewalDue)
      const keys = { withSigner: () => Promise.reject(new Error('no passphrase')) }
      await engine.ownPair.renew({ ...engine, keys } as unknown as Engine)
      await rotate(engine, { what: 'compromised', kind: 'issuing-ca' })
      assert.equal(engine.ownPair.served?.under[0], 'issuing-ca-2')
    })
  })
})
