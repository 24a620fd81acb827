import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { atEnd, testExtension } from '@datapunk/testkit'
import type { ReloadFiles } from '../engine/handover.ts'
import { runReload } from './reload.ts'
import type { ReloadOptions } from './reload-options.ts'
import { failureOf, serving, silentServer } from './testing/answering.ts'
import { FakePostgres, type FakePostgresOptions } from './testing/fake-postgres.ts'
import { TlsFolder } from './testing/tls-folder.ts'

const paths: ReloadFiles = {
  cert: '/certs/db.crt',
  key: '/certs/db.key',
  caCert: '/certs/ca.crt',
  crl: '/certs/ca.crl',
}

function ask(url: string, files = paths, options: Partial<ReloadOptions> = {}): Promise<void> {
  return runReload({ kind: 'postgres', url }, files, {
    ...{ service: 'db', environment: {}, clock: Date.now, timeout: 60_000 },
    ...options,
  })
}

async function plain(t: TestContext, options?: FakePostgresOptions) {
  const postgres = new FakePostgres(options)
  const port = await serving(t, postgres.server)
  return { postgres, port, url: `postgres://op:s3cret@127.0.0.1:${port}/admin?sslmode=disable` }
}

const QUERY = 'SELECT pg_reload_conf() AS told'

test('PostgreSQL gets user, database and one query', async (t) => {
  const { postgres, url } = await plain(t)
  await ask(url)
  const [start = '', ...rest] = postgres.heard
  assert.match(start, /user op database admin .*application_name mtls/)
  assert.deepEqual(rest, [QUERY])
})

test('PostgreSQL gets the password of the URL when it asks for one, and no other', async (t) => {
  const { postgres, url } = await plain(t, { password: true })
  await ask(url)
  assert.deepEqual(postgres.heard.slice(1), ['s3cret', QUERY])
  const { message } = await failureOf(ask(url.replace(':s3cret', '')))
  assert.match(message, /Password must be a string|password/)
})

test('PostgreSQL is reached by a socket, without TLS', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'reload-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  const postgres = new FakePostgres()
  await serving(t, postgres.server, { path: join(folder, '.s.PGSQL.5432') })
  await ask(`postgres://op@/postgres?host=${folder}`)
  await ask(`postgres://op@${encodeURIComponent(folder)}`)
  assert.deepEqual(postgres.heard.filter((text) => text === QUERY).length, 2)
  const { message } = await failureOf(ask(`postgres:///?host=${folder}&port=5433&user=op`))
  assert.match(
    message,
    /\.s\.PGSQL\.5433: .*ENOENT.*\. Start it, or correct the socket in services\.db\.reload/,
  )
})

describe('what PostgreSQL refuses is shown with what mends it, and without the password', () => {
  const refusals: readonly (readonly [refuse: FakePostgresOptions['refuse'] & object, message: RegExp])[] = [
    [
      { at: 'login', code: '28P01', message: 'password authentication failed for user "op" (s3cret)' },
      /password authentication failed .*Correct user and password in services\.db\.reload, or let the user "op" in/,
    ],
    [{ at: 'login', code: '28000', message: 'no pg_hba.conf entry' }, /pg_hba\.conf entry\. Correct user/],
    [
      { at: 'login', code: '3D000', message: 'database "x" does not exist' },
      /Correct the database in services/,
    ],
    [
      { at: 'query', code: '42501', message: 'permission denied for function pg_reload_conf' },
      /Run in that database: GRANT EXECUTE ON FUNCTION pg_reload_conf\(\) TO "op"/,
    ],
    [
      { at: 'login', code: '53300', message: 'too many\u001b[2J clients' },
      /: too many clients\. Mend that, or correct/,
    ],
  ]
  for (const [refuse, message] of refusals) {
    test(refuse.code, async (t) => {
      const { url, port } = await plain(t, { refuse })
      const error = await failureOf(ask(url))
      assert.match(error.message, message)
      assert.match(error.message, new RegExp(`PostgreSQL at 127\\.0\\.0\\.1:${port}: `))
      assert.equal(error.data.code, refuse.code)
    })
  }

  test('anything but true', async (t) => {
    const { url } = await plain(t, { told: 'f' })
    assert.match((await failureOf(ask(url))).message, /pg_reload_conf\(\) did not return true/)
  })
})

test('a PostgreSQL that is not there, or says nothing, or hangs up, is shown as that', async (t) => {
  const { server, left } = silentServer()
  const mute = await serving(t, server)
  for (const mode of ['', '?sslmode=disable']) {
    const silent = await failureOf(
      ask(`postgres://op:s3cret@127.0.0.1:${mute}${mode}`, await filesOf(t), { timeout: 200 }),
    )
    assert.match(silent.message, /PostgreSQL at .* did not answer within 0\.2 s\. Restart it/)
  }
  await left
  for (const hang of ['login', 'query'] as const) {
    const { url, postgres } = await plain(t, { hang })
    const gone = once(postgres.server, 'connection').then(([socket]) => once(socket as Socket, 'close'))
    assert.match((await failureOf(ask(url, paths, { timeout: 200 }))).message, /did not answer within 0\.2 s/)
    await gone
  }
  const rude = await serving(
    t,
    createServer((socket) => socket.destroy()),
  )
  await failureOf(ask(`postgres://op:s3cret@127.0.0.1:${rude}/x?sslmode=disable`))

  const closing = createServer()
  const gone = await serving(t, closing)
  closing.close()
  const { message } = await failureOf(ask(`postgres://op:s3cret@127.0.0.1:${gone}/x?sslmode=disable`))
  assert.match(message, /ECONNREFUSED.*\. Start it, or correct host and port in services\.db\.reload/)
})

test('whoever no longer wants it does not wait for it', async (t) => {
  const { server, left } = silentServer()
  const port = await serving(t, server)
  const ending = new AbortController()
  server.once('connection', () => ending.abort(new Error('enough')))
  const running = ask(`postgres://127.0.0.1:${port}`, await filesOf(t), { signal: ending.signal })
  await assert.rejects(running, /^Error: enough$/)
  await left
})

test('a URL that can’t be used shows nothing of its password', async () => {
  const faults: Readonly<Record<string, RegExp>> = {
    'postgres://u:s3cret@h:99999': /its URL has no URL as in postgres:\/\/USER@HOST:5432\/DATABASE/,
    'postgres://u:s3cret@h?sslmode=prefer':
      /sslmode=prefer; allowed: verify-full, or disable\. Correct services/,
    'postgres://u@h?password=s3cret': /the unknown parameter password; allowed: host, port/,
    'postgres://u:s3cret@h?port=0': /the port 0; allowed: 1 to 65535/,
    'postgres://u:%s3cret@h': /URI malformed/,
  }
  for (const [url, message] of Object.entries(faults))
    assert.match((await failureOf(ask(url))).message, message)
})

async function filesOf(t: TestContext): Promise<ReloadFiles> {
  return (await TlsFolder.create(t)).files('db')
}

describe('over TLS', () => {
  test('PostgreSQL sees the service’s own certificate, and is known by its address', async (t) => {
    const mesh = await TlsFolder.create(t)
    const postgres = new FakePostgres({ tls: await mesh.server('db') })
    const port = await serving(t, postgres.server)
    await ask(`postgres://op@127.0.0.1:${port}`, await mesh.files('db'))
    assert.equal(postgres.heard.at(-1), QUERY)
  })

  test('the URL may name other files', async (t) => {
    const mesh = await TlsFolder.create(t)
    const postgres = new FakePostgres({ tls: await mesh.server('db') })
    const port = await serving(t, postgres.server)
    const { cert, key, caCert } = await mesh.files('operator')
    const other = new URLSearchParams({
      sslcert: cert,
      sslkey: key,
      sslrootcert: caCert,
      sslmode: 'verify-full',
    })
    await ask(`postgres://op@127.0.0.1:${port}/?${other}`)
    assert.equal(postgres.heard.at(-1), QUERY)
  })

  const names: Readonly<Record<string, RegExp>> = {
    'db.service.datapunk': /ip "127\.0\.0\.1" was wanted/,
    // Outside the issuing CA's constraints; and what Node takes for the name of an address where nobody says more.
    localhost: /subtree violation/,
  }
  for (const [dnsName, fault] of Object.entries(names)) {
    test(`a certificate for ${dnsName} alone is refused before anything is said`, async (t) => {
      const mesh = await TlsFolder.create(t)
      const subjectAltName = testExtension.subjectAltName({ dnsNames: [dnsName] })
      const postgres = new FakePostgres({ tls: await mesh.server('db', { extensions: { subjectAltName } }) })
      const port = await serving(t, postgres.server)
      const running = ask(`postgres://op:s3cret@127.0.0.1:${port}`, await mesh.files('db'))
      const { message } = await failureOf(running)
      assert.match(message, fault)
      assert.match(message, /\. The certificate it shows is not one that this mesh accepts .* restart it/)
      assert.deepEqual(postgres.heard, [])
    })
  }

  test('a certificate of another mesh is refused', async (t) => {
    const mesh = await TlsFolder.create(t)
    const postgres = new FakePostgres({ tls: await mesh.server('db') })
    const port = await serving(t, postgres.server)
    const { message } = await failureOf(ask(`postgres://op:s3cret@127.0.0.1:${port}`, await filesOf(t)))
    assert.match(message, /not one that this mesh accepts/)
    assert.deepEqual(postgres.heard, [])
  })

  test('a server that speaks none is told nothing', async (t) => {
    const { postgres, port } = await plain(t)
    const { message } = await failureOf(ask(`postgres://op:s3cret@127.0.0.1:${port}`, await filesOf(t)))
    assert.match(message, /does not support SSL.*\. .*ssl = on.*sslmode=disable/)
    assert.deepEqual(postgres.heard, [])
  })
})
