import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join as joinPath } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { ConnectionOptions, Server } from 'node:tls'
import { Ending, FixedClock, TestAuthority, TestMesh } from '@datapunk/testkit'
import { join, type Mesh, type MeshError } from '../index.ts'
import { listenGuarded, protocols } from '../testing/guarded-servers.ts'
import { shownStaple } from '../testing/shown-staple.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** No jitter: renewed at half of its life, tried again after half of each wait. */
const random = (size: number) => Buffer.alloc(size)

describe('the staple of a server', () => {
  let testMesh: TestMesh
  let authority: TestAuthority
  let clock: FixedClock
  let problems: MeshError[]
  let ending: Ending

  const begin = async (ocspStapling: 'on' | 'off' | 'required') => {
    testMesh = await TestMesh.create({ services: { lake: { minTls: '1.2', ocspStapling }, stream: {} } })
    authority = await TestAuthority.start(testMesh)
    ending.add(() => testMesh.remove())
    ending.add(() => authority.stop())
    clock = new FixedClock(testMesh.ca.at)
    return testMesh.newestLeaf('lake')
  }

  beforeEach(() => {
    ending = new Ending()
    problems = []
  })

  afterEach(() => ending.end())

  const joinLake = async () => {
    const lake = await join('lake', { config: testMesh.configFile, clock, random, pollEvery: 2 ** 31 - 1 })
    lake.on('problem', (problem) => problems.push(problem))
    ending.add(() => lake.leave())
    return lake
  }

  const serve = async (lake: Mesh, [protocol = protocols[0]!] = protocols) => {
    const { server, port } = await listenGuarded(lake, protocol)
    ending.add(() => server.close())
    return { server, port }
  }

  const asStream = (): ConnectionOptions => {
    const leaf = testMesh.newestLeaf('stream')
    return { cert: testMesh.ca.chainPem(leaf), key: leaf.keyPem, host: '127.0.0.1' }
  }

  const shown = (port: number, options: ConnectionOptions = {}) =>
    shownStaple({ ...asStream(), port, ...options })

  /** Until it shows this one, which nothing tells. */
  const shows = async (port: number, staple: Buffer) => {
    while (!(await shown(port)).staple?.equals(staple));
  }

  for (const protocol of protocols) {
    for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
      test(`is there at the first handshake, over ${protocol.name}, ${maxVersion}`, async () => {
        const leaf = await begin('on')
        const staple = await authority.vouch(leaf)
        const { port } = await serve(await joinLake(), [protocol])
        assert.deepEqual((await shown(port, { maxVersion })).staple, staple)
        assert.deepEqual(problems, [])
      })
    }
  }

  test('can’t be replaced by a listener of the application, nor taken away with all listeners', async () => {
    const leaf = await begin('on')
    const staple = await authority.vouch(leaf)
    const { server, port } = await serve(await joinLake())
    const meddle = (name: string) =>
      server.prependListener(name, (_leaf, _issuer, give) => give(null, Buffer.from('x')))
    meddle('OCSPRequest')
    assert.deepEqual((await shown(port)).staple, staple)
    server.removeAllListeners('OCSPRequest')
    assert.deepEqual((await shown(port)).staple, staple)
  })

  test('is renewed at half of its life', async () => {
    const leaf = await begin('on')
    await authority.vouch(leaf)
    const { port } = await serve(await joinLake())
    const next = await authority.vouch(leaf, { thisUpdate: testMesh.ca.at + 36 * hour })
    clock.advance(36 * hour - 1)
    assert.notDeepEqual((await shown(port)).staple, next)
    const asked = once(authority, 'asked')
    clock.advance(1)
    await asked
    await shows(port, next)
  })

  test('is asked for again while the authority has none', async () => {
    const leaf = await begin('on')
    const { port } = await serve(await joinLake())
    assert.equal((await shown(port)).staple, null)
    const staple = await authority.vouch(leaf)
    clock.advance(500)
    await shows(port, staple)
    assert.deepEqual(problems, [])
  })

  test('serves until its end while the authority is gone, over a restart too, and not a moment longer', async () => {
    const leaf = await begin('on')
    const staple = await authority.vouch(leaf)
    const before = await joinLake()
    await before.leave()
    await authority.stop()
    clock.advance(2 * day)
    const { port } = await serve(await joinLake())
    assert.deepEqual((await shown(port)).staple, staple)
    clock.advance(day - 1000)
    assert.deepEqual((await shown(port)).staple, staple)
    clock.advance(2000)
    assert.equal((await shown(port)).staple, null)
    assert.deepEqual(problems, [])
  })

  test('that was damaged where it is kept is fetched anew; those of other certificates are forgotten', async () => {
    const leaf = await begin('on')
    const staple = await authority.vouch(leaf)
    await (await joinLake()).leave()
    const folder = testMesh.layout.instance('lake').memory
    const names = async () => (await readdir(folder)).filter((name) => name.startsWith('staple-'))
    assert.deepEqual(await names(), [`staple-${leaf.certificate.serial}.der`])
    await writeFile(joinPath(folder, `staple-${leaf.certificate.serial}.der`), 'x')
    await writeFile(joinPath(folder, 'staple-0102.der'), staple)
    const { port } = await serve(await joinLake())
    assert.deepEqual((await shown(port)).staple, staple)
    assert.deepEqual(await names(), [`staple-${leaf.certificate.serial}.der`])
  })

  test('is not asked for where the config says off', async () => {
    const leaf = await begin('off')
    await authority.vouch(leaf)
    authority.on('asked', assert.fail)
    const { port } = await serve(await joinLake())
    assert.equal((await shown(port)).staple, null)
  })

  for (const [what, rule, make] of [
    ['revoked', 'REVOKED', () => ({ status: { kind: 'revoked', at: testMesh.ca.at, reason: 'superseded' } })],
    ['unknown', 'UNKNOWN', () => ({ status: { kind: 'unknown' } })],
    ['ended', 'OCSP_STALE', () => ({ thisUpdate: testMesh.ca.at - 4 * day })],
    ['of a stranger', 'OCSP_RESPONDER_UNAUTHORIZED', () => ({ by: testMesh.newestLeaf('stream') })],
  ] as const satisfies readonly (readonly [string, string, () => Parameters<TestAuthority['vouch']>[1]])[]) {
    test(`is never one that is ${what}, and that is told`, async () => {
      const leaf = await begin('on')
      await authority.vouch(leaf, make())
      const lake = await joinLake()
      const [problem] = (await once(lake, 'problem')) as [MeshError]
      assert.deepEqual([problem.code, problem.data.rule], ['STAPLE_REFUSED', rule])
      const { port } = await serve(lake)
      assert.equal((await shown(port)).staple, null)
    })
  }

  test('that says good is not shown any more once the authority says revoked', async () => {
    const leaf = await begin('on')
    await authority.vouch(leaf)
    const lake = await joinLake()
    const { port } = await serve(lake)
    await authority.vouch(leaf, { status: { kind: 'revoked', at: testMesh.ca.at, reason: 'unspecified' } })
    const told = once(lake, 'problem')
    clock.advance(36 * hour)
    await told
    assert.equal((await shown(port)).staple, null)
  })

  test('is that of the certificate that a handshake began with, whatever has come since', async () => {
    const old = await begin('on')
    await authority.vouch(old)
    const lake = await joinLake()
    const { server, port } = await serve(lake)
    const early = await connected(server, port)
    const next = await testMesh.rotate('lake')
    const staple = await authority.vouch(next)
    await lake.refresh()
    assert.deepEqual(await shown(port), { staple, serial: next.certificate.serial })
    // Whoever was there before is shown the old certificate, and the staple of that one.
    const late = await shown(port, { socket: early })
    assert.deepEqual(late, {
      staple: authority.staples.get(old.certificate.serial),
      serial: old.certificate.serial,
    })
  })

  test('is that of its certificate through many swaps, and no caller is refused', async () => {
    const first = await begin('required')
    await authority.vouch(first)
    const lake = await joinLake()
    const { port } = await serve(lake)
    const stream = await join('stream', { config: testMesh.configFile, random })
    ending.add(() => stream.leave())
    let calls = 0
    let isSwapping = true
    const keepCalling = async () => {
      while (isSwapping) {
        const response = await stream.fetch(`https://lake:${port}/`, { headers: { connection: 'close' } })
        assert.equal(await response.text(), 'hello')
        calls++
      }
    }
    const callers = [keepCalling(), keepCalling(), keepCalling()]
    for (let swap = 0; swap < 20; swap++) {
      const next = await testMesh.leaf('lake')
      await authority.vouch(next)
      await testMesh.writePair('lake', testMesh.ca.chainPem(next), next.keyPem)
      await lake.refresh()
      const before = calls
      while (calls < before + 3) await new Promise(setImmediate)
    }
    isSwapping = false
    await Promise.all(callers)
    assert.deepEqual(problems, [])
  })

  test('comes and goes with what the config says, without a restart', async () => {
    const leaf = await begin('off')
    const staple = await authority.vouch(leaf)
    const lake = await joinLake()
    const { port } = await serve(lake)
    const text = await readFile(testMesh.configFile, 'utf8')
    await writeFile(testMesh.configFile, text.replace('"off"', '"on"'))
    await lake.refresh()
    await shows(port, staple)
    await writeFile(testMesh.configFile, text)
    await lake.refresh()
    assert.equal((await shown(port)).staple, null)
  })

  const rotateWhileSilent = async (lake: Mesh) => {
    authority.isSilent = true
    const next = await testMesh.rotate('lake')
    const asked = once(authority, 'asked')
    const refreshed = lake.refresh()
    await asked
    return { next, refreshed }
  }

  test('is waited for by a new pair, but not for long', async () => {
    const old = await begin('on')
    await authority.vouch(old)
    const lake = await joinLake()
    const { port } = await serve(lake)
    const { next, refreshed } = await rotateWhileSilent(lake)
    assert.equal((await shown(port)).serial, old.certificate.serial)
    clock.advance(3000)
    await refreshed
    assert.deepEqual(await shown(port), { staple: null, serial: next.certificate.serial })
    assert.deepEqual(problems, [])
  })

  test('does not delay a revocation that is found at the same time', async () => {
    const old = await begin('on')
    await authority.vouch(old)
    const lake = await joinLake()
    const { refreshed } = await rotateWhileSilent(lake)
    const updated = once(lake, 'updated')
    await testMesh.revoke(testMesh.newestLeaf('stream').certificate.serial)
    void lake.refresh()
    await updated
    clock.advance(3000)
    await refreshed
  })

  describe('whose certificate demands one', () => {
    const problemCodes = () => problems.map(({ code }) => code)

    test('keeps a new pair from serving until it is there, and says so', async () => {
      const old = await begin('required')
      await authority.vouch(old)
      const lake = await joinLake()
      const { port } = await serve(lake)
      const next = await testMesh.rotate('lake')
      await lake.refresh()
      assert.equal((await shown(port)).serial, old.certificate.serial)
      assert.deepEqual(problemCodes(), ['STAPLE_MISSING'])
      assert.match(problems[0]!.message, /mtls up/)
      const staple = await authority.vouch(next)
      const rotated = once(lake, 'rotated')
      clock.advance(1000)
      await rotated
      assert.deepEqual(await shown(port), { staple, serial: next.certificate.serial })
      assert.deepEqual(problemCodes(), ['STAPLE_MISSING'])
    })

    test('keeps it no longer than the pair before is good', async () => {
      const old = await begin('required')
      await authority.vouch(old)
      const lake = await joinLake()
      const next = await testMesh.rotate('lake')
      await lake.refresh()
      await testMesh.revoke(old.certificate.serial)
      await lake.refresh()
      const { port } = await serve(lake)
      assert.deepEqual(await shown(port), { staple: null, serial: next.certificate.serial })
    })

    test('joins without, says so, and has it as soon as the authority', async () => {
      const leaf = await begin('required')
      const lake = await joinLake()
      const [problem] = (await once(lake, 'problem')) as [MeshError]
      assert.equal(problem.code, 'STAPLE_MISSING')
      const { port } = await serve(lake)
      assert.equal((await shown(port)).staple, null)
      const staple = await authority.vouch(leaf)
      clock.advance(1000)
      await shows(port, staple)
    })
  })
})

/** A connection that the server has taken, and over which nothing was said. */
async function connected(server: Server, port: number): Promise<Socket> {
  const taken = once(server, 'connection')
  const socket = connect(port, '127.0.0.1')
  await taken
  return socket
}
