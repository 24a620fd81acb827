import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type ReloadFiles, runReload } from '@datapunk/authority'
import { join } from '@datapunk/mesh'
import { atEnd, freePort } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { KeptAuthority } from '../kept-authority.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { nginxArguments, startNginx } from '../nginx.ts'
import { needs, program } from '../outsider.ts'
import { clientOf, nameOf, postgresOwner, shownByPostgres, startPostgres } from '../postgresql.ts'
import { snippet } from '../readme.ts'
import { shownSerial } from '../swapping.ts'

/** Named by address here, because nobody's DNS knows the names of a test. */
const local = { ip_addresses: ['127.0.0.1'] }

const filesOf = (mesh: MeshFolder, service: string): ReloadFiles => ({
  ...mesh.pair(service),
  caCert: mesh.caCert,
  crl: mesh.config.paths.crl,
})

/** Tells the service what has changed, as its config says. */
function tell(mesh: MeshFolder, service: string, files = filesOf(mesh, service)): Promise<void> {
  const reload = mesh.config.services.get(service)?.reload
  assert.ok(reload)
  return runReload(reload, files, { service, environment: process.env, clock: Date.now })
}

/** Swaps the pair, and has it shown by a server that was told. */
async function swapAndTell(mesh: MeshFolder, service: string, shown: () => Promise<string>): Promise<void> {
  const { serial } = await mesh.issue(service)
  assert.notEqual(await shown(), serial)
  await tell(mesh, service)
  // nginx and PostgreSQL read their files after they have answered, and nginx's old workers end later still.
  while ((await shown()) !== serial) {}
}

async function shownTo(t: TestContext, mesh: MeshFolder, host: string, port: number) {
  const stream = await join('stream', { config: mesh.configFile })
  atEnd(t, () => stream.leave())
  return () => shownSerial(stream, host, port)
}

test('nginx shows a new pair when a command, or a signal, has told it', needs('nginx'), async (t) => {
  const services = { web: {}, stream: {} }
  const mesh = await MeshFolder.applied({ services })
  atEnd(t, () => mesh.remove())
  const port = await freePort()
  const nginx = await startNginx(mesh, port)
  atEnd(t, () => nginx.stop('SIGQUIT'))
  const shown = await shownTo(t, mesh, 'web', port)
  const command = [program('nginx'), ...nginxArguments(mesh), '-s', 'reload']

  for (const reload of [command, { command, timeout: '1m' }, { signal: 'HUP', pid_file: 'nginx.pid' }]) {
    mesh.write({ services: { ...services, web: { reload } } })
    await swapAndTell(mesh, 'web', shown)
  }

  const wrong = [...command.slice(0, -1), 'relaod']
  mesh.write({ services: { ...services, web: { reload: wrong } } })
  await assert.rejects(tell(mesh, 'web'), {
    code: 'RELOAD_FAILED',
    message:
      /nginx ended with exit code 1\. .*services\.web\.reload\. It said:\n {2}.*invalid option: "-s relaod"/,
  })
})

test(
  'nginx goes through leaf rotations and a roll-over of the root, told by the authority: no call fails',
  needs('nginx'),
  async (t) => {
    const port = await freePort()
    const mesh = await MeshFolder.applied({ services: { web: {}, stream: {} } })
    const nginx = await startNginx(mesh, port)
    atEnd(t, () => nginx.stop('SIGQUIT'))
    const reload = [program('nginx'), ...nginxArguments(mesh), '-s', 'reload']
    mesh.write({ services: { web: { reload, address: `127.0.0.1:${port}` }, stream: {} } })
    let ahead = 0
    const kept = await KeptAuthority.start(mesh, {
      clock: () => Date.now() + ahead,
      environment: process.env,
    })
    atEnd(t, async () => {
      await kept.stop()
      mesh.remove()
    })
    await kept.authority.apply({ approve: () => true })
    // Nobody was live before: there is nobody to wait for.
    ahead = 40_000
    const stream = await join('stream', { config: mesh.configFile })
    atEnd(t, () => stream.leave())

    let over = false
    let calls = 0
    const calling = (async () => {
      while (!over) {
        const answer = await stream.fetch('https://web.service.datapunk/', {
          headers: { connection: 'close' },
        })
        assert.match(await answer.text(), /SUCCESS/)
        calls++
      }
    })()
    const changing = (async () => {
      for (let n = 0; n < 3; n++) {
        await kept.authority.rotate({ what: 'pairs', service: 'web' })
        await kept.authority.apply({ approve: () => true })
      }
      await kept.authority.rotate({ what: 'root', without: [] })
      await kept.untilSlots((states) => states['root-1'] === 'retired')
    })().finally(() => {
      over = true
    })
    await Promise.all([changing, calling])
    const told = kept.events.filter(({ kind }) => kind === 'reloaded').length
    t.diagnostic(`${calls} calls, told ${told} times`)
    assert.ok(told >= 5)
    // Files that have changed with the last step may be on their way still.
    await kept.authority.apply({ approve: () => false })
    const { services } = await kept.authority.status()
    assert.equal(services.find(({ service }) => service === 'web')?.delivery, 'by-file')
  },
)

test(
  'PostgreSQL shows a new pair when pg_reload_conf() has told it',
  needs('initdb', 'postgres', 'psql', 'openssl'),
  async (t) => {
    const port = await freePort()
    const database = `postgres://${nameOf('db')}@127.0.0.1:${port}/postgres`
    const db = { ...postgresOwner, ...local, reload: database }
    const mesh = await MeshFolder.applied({ services: { db, stream: {} } })
    atEnd(t, () => mesh.remove())
    const postgres = await startPostgres(mesh, port)
    atEnd(t, () => postgres.stop('SIGINT'))
    const sql = (text: string) =>
      Child.output(program('psql'), ['-X', '-c', text], { env: clientOf(mesh, 'stream', port) })
    const failure = async () => String(await tell(mesh, 'db').catch((error: Error) => error.message))

    assert.match(
      await failure(),
      /role "db\.service\.datapunk" does not exist\. .*let the user .* in \(pg_hba\.conf/,
    )
    await sql(`create role "${nameOf('db')}" login`)
    const [, grant] = /permission denied .*\. Run in that database: (GRANT .*)$/.exec(await failure()) ?? []
    assert.ok(grant)
    await sql(grant)
    for (let n = 0; n < 3; n++) await swapAndTell(mesh, 'db', () => shownByPostgres(mesh, port))

    await sql(`alter role "${nameOf('db')}" nologin`)
    const [cert, key] = Object.values(mesh.pair('stream'))
    const operator = database.replace(nameOf('db'), nameOf('stream'))
    const reload = `${operator}?sslcert=${cert}&sslkey=${key}`
    mesh.write({ services: { db: { ...db, reload }, stream: {} } })
    await swapAndTell(mesh, 'db', () => shownByPostgres(mesh, port))
  },
)

test(
  'Redis shows a new pair when CONFIG SET has told it, over TLS and over a socket',
  needs('redis-server'),
  async (t) => {
    const port = await freePort()
    const url = `rediss://:s3cret@127.0.0.1:${port}`
    const serviceOf = (reload: string) => ({ cache: { ...local, reload }, stream: {} })
    const mesh = await MeshFolder.applied({ services: serviceOf(url) })
    atEnd(t, () => mesh.remove())
    const socket = joinPath(mesh.folder, 'redis.sock')
    const file = joinPath(mesh.folder, 'redis.conf')
    const place = `bind 127.0.0.1\nport 0\ntls-port ${port}\nunixsocket ${socket}\nrequirepass s3cret\n`
    writeFileSync(file, `${place}save ""\ndir ${mesh.folder}\n${snippet('redis', mesh)}`)
    const redis = Child.start(program('redis-server'), [file])
    atEnd(t, () => redis.stop())
    await redis.says(/Ready to accept connections/)
    const shown = await shownTo(t, mesh, 'cache', port)

    for (const reload of [url, `unix://:s3cret@${socket}`]) {
      mesh.write({ services: serviceOf(reload) })
      await swapAndTell(mesh, 'cache', shown)
    }

    const before = await shown()
    const mixed = { ...filesOf(mesh, 'cache'), key: mesh.pair('stream').key }
    await assert.rejects(tell(mesh, 'cache', mixed), { message: /CONFIG SET failed .*\. Its log says why/ })
    assert.equal(await shown(), before)
    mesh.write({ services: serviceOf(`unix://:0ther@${socket}`) })
    await assert.rejects(tell(mesh, 'cache'), (error: Error) => {
      assert.match(error.message, /WRONGPASS .*\. Correct user and password in services\.cache\.reload/)
      assert.doesNotMatch(error.message, /0ther/)
      return true
    })
  },
)
