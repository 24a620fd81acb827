import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { inspect } from 'node:util'
import type { Authority, AuthorityEvent } from '@datapunk/authority'
import { join, logEvents, type Mesh, type MeshError } from '@datapunk/mesh'
import pino from 'pino'
import { Greeter } from './greeter.ts'
import { MeshFolder } from './mesh-folder.ts'
import { mtls } from './mtls.ts'
import { PlantedSecrets } from './planted-secrets.ts'

const passphrase = 'correct-horse-battery-staple-1'
const wrongPassphrase = 'incorrect-horse-battery-staple-2'
const passwords = ['redis-p4ssw0rd-3', 'postgres-p4ss/w0rd-4', 'typo-p4ssw0rd-5', 'misplaced-p4ssw0rd-6']

describe('whatever happens, nobody is told a secret', () => {
  const secrets = new PlantedSecrets()
  const told: { readonly by: string; readonly text: string }[] = []
  let mesh: MeshFolder
  let authority: Authority
  let lake: Mesh
  let greeter: Greeter

  const tell = (by: string, text: string) => void told.push({ by, text })
  const logger = pino({ level: 'trace' }, { write: (line: string) => tell('the log', line) })
  /** As a service logs what it has caught, and as an unhandled one is printed. */
  const tellError = (error: unknown) => {
    logger.error(error)
    tell('an error', inspect(error, { depth: 12, showHidden: true }))
  }
  const tellRejection = (promise: Promise<unknown>) =>
    promise.then(() => assert.fail('it was to be refused'), tellError)
  const run = async (...args: string[]) => {
    const { stdout, stderr } = await mtls([...args, '--config', mesh.configFile])
    tell(`mtls ${args.join(' ')}`, stdout + stderr)
  }
  /** Random octets that a service is given; those of its ticket keys are secret. */
  const random = (size: number) => {
    const octets = randomBytes(size)
    if (size >= 32) secrets.plant('a ticket key', octets)
    return octets
  }

  before(async () => {
    mesh = MeshFolder.planned({ services: {} })
    const file = joinPath(mesh.folder, 'passphrase')
    writeFileSync(file, `${passphrase}\n`, { mode: 0o600 })
    const reload = (url: string) => ({ delivery: 'files', reload: url })
    mesh.write({
      authority: { passphrase_file: file, http: 'none', metrics: 'none', console: 'none' },
      services: {
        lake: { allow: ['stream'] },
        stream: {},
        nexus: {},
        cache: reload(`redis://default:${passwords[0]}@127.0.0.1:1`),
        base: reload(`postgres://app:${encodeURIComponent(passwords[1] ?? '')}@127.0.0.1:1/app`),
      },
    })
    for (const [index, secret] of [passphrase, wrongPassphrase, ...passwords].entries())
      secrets.plant(`password ${index}`, secret)
    authority = await mesh.authority({ report: (event) => tell(`event ${event.kind}`, eventText(event)) })
    await authority.servePeers()
    await authority.apply({ approve: () => true })
    secrets.plantKeys(mesh.folder)
    greeter = await Greeter.start(mesh, 'lake')
    lake = await join('lake', { config: mesh.configFile, random })
    hear(lake)
  })

  after(async () => {
    await Promise.all([lake.leave(), greeter.stop()])
    await authority.close()
    mesh.remove()
  })

  function hear(service: Mesh): void {
    logEvents(service, logger)
    for (const event of [
      'refused',
      'reported',
      'cut',
      'rotated',
      'updated',
      'revoked',
      'stale',
      'problem',
      'alarm',
    ] as const)
      service.on(event, (detail: unknown) => {
        logger.info({ detail })
        tell(`event ${event}`, inspect(detail, { depth: 12, showHidden: true }))
      })
  }

  test('the search finds what it is to find, in every shape', () => {
    for (const text of [
      passphrase,
      Buffer.from(passphrase).toString('hex'),
      JSON.stringify(Buffer.from(passphrase)),
    ])
      assert.notDeepEqual(secrets.toldBy(`... ${text} ...`), [], text)
    const key = readFileSync(mesh.pair('lake').key, 'utf8')
    assert.deepEqual(secrets.toldBy(JSON.stringify({ key })).length, 1)
    assert.deepEqual(secrets.toldBy('nothing'), [])
    assert.ok(secrets.size > 50)
  })

  test('connections: refused, answered, cut', async () => {
    const stream = await join('stream', { config: mesh.configFile, random })
    const nexus = await join('nexus', { config: mesh.configFile, random })
    for (const one of [stream, nexus]) hear(one)
    hear(greeter.mesh)
    assert.equal(await (await stream.fetch(greeter.url)).text(), 'hello stream')
    await nexus.fetch(greeter.url).then(async (answer) => tell('an answer', await answer.text()), tellError)
    await callWithout(greeter.port)
    await tellRejection(stream.fetch('https://nobody.service.datapunk/'))
    tell('status', JSON.stringify(await authority.status()))
    await greeter.cutOff(stream, () =>
      authority.revoke({ targets: [{ service: 'stream' }], reason: 'key-compromise', reissue: false }),
    )
    await tellRejection(stream.fetch(greeter.url))
    await Promise.all([stream.leave(), nexus.leave()])
  })

  test('pairs that are broken in every way that the library knows', async () => {
    const current = mesh.layout.instance('lake')
    const good = { cert: readFileSync(current.cert), key: readFileSync(current.key) }
    const other = mesh.layout.instance('nexus')
    const codes = new Set<string>()
    lake.on('problem', ({ code }: MeshError) => codes.add(code))
    const breaks: readonly (() => void)[] = [
      () => copyFileSync(other.key, current.key),
      () => writeFileSync(current.key, good.key.subarray(0, 120)),
      () => writeFileSync(current.key, `${passphrase}\n${good.key}`.replace('BEGIN', 'BEGAN')),
      () => writeFileSync(current.cert, good.key),
      () => writeFileSync(current.cert, Buffer.concat([good.key, good.cert])),
      () => writeFileSync(current.cert, readFileSync(other.cert)),
      () => chmodSync(current.key, 0o644),
    ]
    for (const break_ of breaks) {
      break_()
      await lake.refresh()
      await tellRejection(join('lake', { config: mesh.configFile, random }))
      writeFileSync(current.key, good.key)
      writeFileSync(current.cert, good.cert)
      chmodSync(current.key, 0o600)
      await lake.refresh()
    }
    for (const code of ['KEY_MISMATCH', 'KEY_UNREADABLE', 'PAIR_SWAPPED', 'KEY_EXPOSED'])
      assert.ok(codes.has(code), code)
  })

  test('what operators are shown', async () => {
    const { host, port } = await lake.serveOperator()
    for (const path of ['/metrics', '/healthz', '/readyz']) {
      tell(path, await (await fetch(`http://${host}:${port}${path}`)).text())
    }
    tell('measurements', JSON.stringify(authority.measure()))
    tell('condition', inspect([lake, lake.condition, lake.counters], { depth: 12, showHidden: true }))
    tell('the authority', inspect(authority, { depth: 12, showHidden: true }))
    for (const service of ['lake', 'cache', 'base']) await authority.issue(service)
    await authority.rotate({ what: 'bundle-key', without: [] })
    secrets.plantKeys(mesh.folder)
    assert.ok(told.some(({ by }) => by === 'event reload-failed'))
  })

  test('commands, good ones and bad ones', async () => {
    await run('status', '--json')
    await run('status')
    await run('plan', '--json')
    await run('pins', '--json')
    await run('audit', '--json')
    await run('inspect', mesh.pair('lake').cert)
    await run('inspect', mesh.pair('lake').key)
    await run('verify', mesh.pair('lake').key)
    await run('issue', 'lake', '--csr', mesh.pair('lake').key)
    await authority.close()
    writeFileSync(joinPath(mesh.folder, 'wrong'), wrongPassphrase, { mode: 0o600 })
    const config = JSON.parse(readFileSync(mesh.configFile, 'utf8'))
    const file = joinPath(mesh.folder, 'passphrase')
    config.authority.passphrase_file = joinPath(mesh.folder, 'wrong')
    mesh.write(config)
    await run('issue', 'lake')
    await run('rotate', '--bundle-key', '--yes')
    await run('backup', joinPath(mesh.folder, 'a.backup'))
    config.authority.passphrase_file = file
    for (const reload of [
      `redis://default:${passwords[2]}@`,
      `rediss://:${passwords[2]}@host:99999`,
      `postgres://a:${passwords[2]}@h:x/`,
    ]) {
      mesh.write({ ...config, services: { ...config.services, cache: { reload } } })
      await run('plan')
      await run('apply', '--json')
    }
    mesh.write({ ...config, authority: { ...config.authority, passphrase: passwords[3] } })
    await run('plan')
    assert.ok(told.some(({ text }) => text.includes('passphrase')))
  })

  test('no secret was told', () => {
    assert.ok(told.length > 60, `${told.length}`)
    const leaks = told.flatMap(({ by, text }) => secrets.toldBy(text).map((secret) => ({ by, secret, text })))
    assert.deepEqual(leaks, [])
  })
})

function eventText(event: AuthorityEvent): string {
  return JSON.stringify(event) + inspect(event, { depth: 12, showHidden: true })
}

/** A caller without a certificate, until it is turned away. */
async function callWithout(port: number): Promise<void> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
  socket.on('error', () => {})
  socket.write('GET / HTTP/1.1\r\n\r\n')
  await new Promise((resolve) => socket.once('close', resolve))
}
