import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { createServer as createPlainServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { TlsOptions } from 'node:tls'
import { Ending, freePort } from '@datapunk/testkit'
import { Child } from './child.ts'
import { Greeter } from './greeter.ts'
import { MeshFolder } from './mesh-folder.ts'
import { mtls, startMtls } from './mtls.ts'
import { findProgram } from './outsider.ts'

interface Cell {
  readonly service: string
  readonly case: string
  readonly verdict: string
  readonly rule: string | null
  readonly evidence: string
  readonly fix: string | null
}

const rules: Readonly<Record<string, RegExp>> = {
  'no-certificate': /^NO_CERTIFICATE$/,
  expired: /^CERTIFICATE_EXPIRED$/,
  'not-yet-valid': /^CERTIFICATE_NOT_YET_VALID$/,
  'other-ca': /^ISSUER_UNKNOWN$/,
  'self-signed': /^ISSUER_UNKNOWN$/,
  'other-mesh': /^(ISSUER_UNKNOWN|SIGNATURE_INVALID)$/,
  revoked: /^REVOKED$/,
  'not-allowed': /^CALLER_NOT_ALLOWED$/,
  'old-tls': /^TLS_HANDSHAKE_FAILED$/,
  'weak-suites': /^TLS_HANDSHAKE_FAILED$/,
}

describe('mtls probe, with `mtls up`', () => {
  let mesh: MeshFolder
  let up: Child
  const ending = new Ending()
  const ports: Record<string, number> = {}

  before(async () => {
    for (const name of ['lake', 'stream', 'nexus', 'plain', 'weak', 'half', 'other', 'nobody'])
      ports[name] = await freePort()
    const at = (name: string) => ({ address: `127.0.0.1:${ports[name]}` })
    mesh = MeshFolder.planned({
      services: {
        lake: { ...at('lake'), allow: ['nexus'] },
        stream: at('stream'),
        nexus: { ...at('nexus'), min_tls: '1.2' },
        plain: { ...at('plain'), allow: ['nexus'] },
        weak: at('weak'),
        half: at('half'),
        other: at('other'),
        nobody: at('nobody'),
        nowhere: {},
        job: { address: undefined },
      },
    })
    ending.add(() => mesh.remove())
    up = startMtls(['up', '--config', mesh.configFile])
    ending.add(() => up.stop())
    await up.says(/ready:/)
  })

  after(() => ending.end())

  const probe = async (...args: string[]) => {
    const { code, stdout, stderr } = await mtls(['probe', '--config', mesh.configFile, '--json', ...args])
    assert.notEqual(stdout, '', stderr)
    return {
      code,
      ...(JSON.parse(stdout) as { cells: Cell[]; good: boolean; counts: Record<string, number> }),
    }
  }
  const greeting = async (...names: string[]) => {
    for (const name of names) {
      const greeter = await Greeter.start(mesh, name, ports[name])
      ending.add(() => greeter.stop())
    }
  }
  /** Node's own server, with the pair of a service, and none of the mesh's library. */
  const serveWithout = async (name: string, pairOf: string, options: TlsOptions) => {
    const { cert, key } = mesh.pair(pairOf)
    const server = createServer(
      { cert: readFileSync(cert), key: readFileSync(key), ...options },
      (_, response) => response.end('hello, whoever you are'),
    )
    server.listen(ports[name], '127.0.0.1')
    await once(server, 'listening')
    ending.add(() => server.close())
  }
  const verdictsOf = (cells: readonly Cell[]) =>
    Object.fromEntries(cells.map((cell) => [cell.case, cell.verdict]))

  test('finds every case refused for its rule by services of the library, again and again', async () => {
    await greeting('lake', 'stream', 'nexus')
    for (let round = 1; round <= 2; round++) {
      const { code, cells, good } = await probe('lake', 'stream', 'nexus')
      assert.deepEqual(
        cells.filter(({ verdict }) => verdict !== 'refused'),
        [],
      )
      assert.deepEqual([code, good, cells.length], [0, true, 30])
      for (const cell of cells) assert.match(cell.rule ?? '', rules[cell.case] ?? /^$/, cell.case)
    }
    const { stdout } = await mtls(['status', '--config', mesh.configFile, '--json'])
    const services = (JSON.parse(stdout) as { services: { service: string }[] }).services
    assert.ok(!services.some(({ service }) => service === 'probe'))
    assert.equal((await mtls(['plan', '--check', '--config', mesh.configFile])).code, 0)
  })

  test('finds every case refused by the proxy that stands before a program without TLS', async () => {
    const backend = createPlainServer((socket) => socket.end('hello, whoever you are'))
    backend.listen(0, '127.0.0.1')
    await once(backend, 'listening')
    ending.add(() => backend.close())
    const { port } = backend.address() as { port: number }
    const places = ['--listen', `127.0.0.1:${ports.plain}`, '--to', `127.0.0.1:${port}`]
    const proxy = startMtls(['proxy', 'plain', ...places, '--config', mesh.configFile])
    ending.add(() => proxy.stop())
    await proxy.says(/ready/)
    const { code, cells } = await probe('plain')
    assert.deepEqual(
      cells.filter(({ verdict }) => verdict !== 'refused'),
      [],
    )
    assert.equal(code, 0)
    const { evidence } = cells.find((cell) => cell.case === 'not-allowed') as Cell
    assert.equal(evidence, 'reported CALLER_NOT_ALLOWED', 'it speaks no HTTP that could say so')
  })

  test('finds what a server lets in that asks for certificates, and believes whatever it is shown', async () => {
    await serveWithout('weak', 'weak', {
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      ciphers: 'ALL:@SECLEVEL=0',
    })
    const { code, cells, good } = await probe('weak')
    assert.deepEqual([code, good], [1, false])
    for (const { verdict, evidence, fix, ...cell } of cells) {
      const isOfSuites = cell.case === 'weak-suites'
      assert.equal(verdict, isOfSuites ? 'refused' : 'let-in', `${cell.case}: ${evidence}`)
      assert.ok(isOfSuites || fix !== null)
    }
  })

  test('finds old TLS let in, and believes no refusal of which nothing tells the rule', async () => {
    await serveWithout('half', 'half', {
      requestCert: true,
      rejectUnauthorized: true,
      ca: readFileSync(mesh.caCert),
      minVersion: 'TLSv1.2',
    })
    const { code, cells } = await probe('half')
    assert.equal(code, 1)
    const verdicts = verdictsOf(cells)
    assert.equal(verdicts['old-tls'], 'let-in')
    // It knows neither the revoked nor `allow`; with an alert it refuses only whoever shows nothing, and hangs up on the others.
    for (const id of ['revoked', 'not-allowed']) assert.equal(verdicts[id], 'let-in', id)
    assert.equal(verdicts['no-certificate'], 'refused')
    for (const id of ['expired', 'not-yet-valid', 'other-ca', 'self-signed', 'other-mesh'])
      assert.equal(verdicts[id], 'unproven', id)
  })

  test('takes nobody’s word for another, and tells who can’t be found', async () => {
    await serveWithout('other', 'weak', { requestCert: true, rejectUnauthorized: false })
    const { code, cells, counts } = await probe('other', 'nobody', 'nowhere', 'job')
    assert.equal(code, 1)
    const of = (name: string) => cells.filter(({ service }) => service === name)
    for (const cell of of('other').filter(({ verdict }) => verdict !== 'refused'))
      assert.equal(cell.evidence, 'there answers weak')
    assert.ok(of('other').some(({ verdict }) => verdict === 'unproven'))
    assert.equal(counts.unreachable, 10)
    assert.match(of('nobody')[0]?.evidence ?? '', /nobody answers at 127\.0\.0\.1:\d+ \(ECONNREFUSED\)/)
    assert.deepEqual(
      new Set(of('nowhere').map(({ evidence }) => evidence)),
      new Set(['nothing says at which port it is']),
    )
    assert.match(of('nowhere')[0]?.fix ?? '', /mtls-config\.yaml: services\.nowhere\.address: "HOST:PORT"/)
    assert.deepEqual(new Set(of('job').map(({ verdict }) => verdict)), new Set(['not-asked']))
    assert.match(of('job')[0]?.evidence ?? '', /serves nobody/)
    assert.deepEqual([(await probe('job')).code, (await probe('job')).good], [1, false])
  })

  test('writes what continuous integration reads, and ends with 1 when anything is not as it should be', async () => {
    const file = join(mesh.folder, 'probe.xml')
    const { code, stdout, stderr } = await mtls([
      'probe',
      'lake',
      'nobody',
      ...['--junit', file, '--config', mesh.configFile],
    ])
    assert.equal(code, 1)
    assert.match(stdout, /^expired +✓ refused +! unreachable$/m)
    assert.match(
      stdout,
      /^unreachable +nobody, all cases: nobody answers at 127\.0\.0\.1:\d+ \(ECONNREFUSED\)$/m,
    )
    assert.match(stderr, /10 of 20 as it should be, 10 unreachable/)
    const xml = readFileSync(file, 'utf8')
    assert.match(xml, /<testsuites name="mtls probe" tests="20" failures="0" errors="10" skipped="0"/)
    const python = findProgram('python3')
    if (python === undefined) return
    const count =
      'import sys, xml.etree.ElementTree as e; print(len(e.parse(sys.argv[1]).findall(".//testcase/error")))'
    assert.equal((await Child.output(python, ['-c', count, file])).trim(), '10')
  })

  test('says what is wrong with how it is called', async () => {
    const unknown = await mtls(['probe', 'laek', '--config', mesh.configFile])
    assert.deepEqual([unknown.code, /did you mean "lake"\?/.test(unknown.stderr)], [2, true])
    await up.stop()
    const without = await mtls(['probe', '--config', mesh.configFile])
    assert.equal(without.code, 1)
    assert.match(without.stderr, /start `mtls up`/)
  })
})
