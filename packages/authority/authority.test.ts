import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { type Config, layoutOf, parseConfig } from '@datapunk/protocol'
import { atEnd, FixedClock, seededRandom, TestLogs } from '@datapunk/testkit'
import { connectAdmin } from './admin/connect-admin.ts'
import { serveAdmin } from './admin/serve-admin.ts'
import { Authority } from './authority.ts'
import { AuthorityReader } from './authority-reader.ts'
import { AuthorityError, type AuthorityErrorCode } from './error.ts'
import type { AuthorityEvent } from './event.ts'
import { readEvents } from './events/read-events.ts'
import { recordMesh } from './found.ts'
import { keep } from './keep.ts'
import { openEngine } from './open-engine.ts'
import { Pace } from './pace.ts'
import { takeLog } from './transparency/transparency.ts'

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mtls-authority-'))
  folders.push(folder)
  return folder
}

const clear = { store_ca_keys_in_clear: true }

function configIn(
  dir: string,
  services: Record<string, unknown>,
  authority: Record<string, unknown> = clear,
  certificates: Record<string, unknown> = { key_algorithm: 'ecdsa-p256' },
): Config {
  const text = { services, authority, certificates }
  return parseConfig(JSON.stringify(text), { file: join(dir, 'mtls-config.yaml') })
}

let seeds = 0
const clock = new FixedClock(Date.UTC(2026, 5, 1))
const logs = new TestLogs()

function open(
  config: Config,
  environment: Record<string, string | undefined> = {},
  report: (event: AuthorityEvent) => void = () => {},
): Promise<Authority> {
  const randomBytes = seededRandom(`authority ${++seeds}`)
  return Authority.open({
    config,
    clock: () => clock.now(),
    randomBytes,
    environment,
    report,
    pid: process.pid,
    uid: 7,
    purpose: 'test',
    openLog: logs.opener(() => clock.now()),
  })
}

function isCode(code: AuthorityErrorCode) {
  return (error: unknown) => error instanceof AuthorityError && error.code === code
}

const yes = { approve: () => true }
const no = { approve: () => false }

describe('an authority', () => {
  test('tells in its audit how often each key has signed, and in each bundle what the audit was', async () => {
    const config = configIn(temporaryFolder(), { lake: {}, stream: {} })
    const authority = await open(config)
    await authority.apply(yes)
    await authority.close()
    const reader = new AuthorityReader({ config, clock: () => clock.now() })
    const rows = [...reader.audit({})]
    const verdict = reader.verifyAudit()
    reader.close()
    const used = rows.filter(({ deed }) => deed === 'key-used').map(({ entry }) => entry)
    const signed = (slot: string) =>
      used.reduce((sum, entry) => sum + (entry.slot === slot ? (entry.signatures as number) : 0), 0)
    assert.ok(signed('root-1') >= 3, 'its own certificate, the issuing CA’s, the trust statement')
    assert.equal(signed('bundle-key-1'), 2)
    const intended = rows.filter(({ deed }) => deed === 'intended').map(({ entry }) => entry.serial)
    const issued = rows.filter(({ deed }) => deed === 'issued').map(({ entry }) => entry.serial)
    assert.deepEqual(intended.toSorted(), issued.toSorted())
    assert.deepEqual([verdict.bundles, verdict.signedBy, verdict.faults], [2, '1.2', []])
    assert.equal(verdict.entries, rows.length)
  })

  test('whoever asks for keys of another kind has them at once, where peers are quick to acknowledge', async (t) => {
    const dir = temporaryFolder()
    const acknowledge = ({ kind, detail }: AuthorityEvent) => {
      if (kind !== 'bundle-published') return
      const [generation, counter] = (detail as { number: string }).number.split('.').map(Number)
      const number = { generation: generation!, counter: counter! }
      const enforced = { number, trustStatement: number, serial: '01', revoked: false }
      setImmediate(() => authority.peers.acknowledged('one', enforced))
    }
    const authority = await open(configIn(dir, { lake: {}, stream: {} }), {}, acknowledge)
    atEnd(t, () => authority.close())
    await authority.servePeers()
    await authority.apply(yes)
    const lake = { service: 'lake', instance: 'lake', version: '1', serial: '01', revoked: false }
    authority.peers.arrived({ ...lake, peer: 'one' })
    authority.configure(configIn(dir, { lake: {}, stream: {} }, clear, { key_algorithm: 'ed25519' }))
    const { done, failed } = await authority.apply(no)
    assert.deepEqual(failed, [])
    assert.equal(done.filter(({ kind }) => kind === 'issue').length, 2)
  })

  test('is alone on its state folder', async () => {
    const config = configIn(temporaryFolder(), { lake: {} })
    const first = await open(config)
    await assert.rejects(() => open(config), isCode('LOCKED'))
    await first.close()
    await (await open(config)).close()
  })

  test('records and publishes nothing more once its inventory was removed, or a part of it, and says why', async () => {
    for (const ends of [['', '-wal', '-shm'], ['-wal'], ['-shm']]) await losesInventory(ends)
  })

  async function losesInventory(ends: readonly string[]) {
    const config = configIn(temporaryFolder(), { lake: {} })
    const authority = await open(config)
    await authority.servePeers()
    await authority.apply(yes)
    assert.equal(authority.fault, undefined)
    const { inventory } = layoutOf(config).authority
    for (const end of ends) rmSync(`${inventory}${end}`)
    for (const deed of [
      () => authority.rotate({ what: 'pairs', service: 'lake' }),
      () => authority.revoke({ targets: [{ service: 'lake' }], reason: 'superseded' }),
      () => authority.apply(yes),
      () => authority.continueFromHere(),
    ]) {
      await assert.rejects(deed, isCode('STATE_REPLACED'))
    }
    const repair = ends[0] === '' ? 'mtls restore FILE --replace' : 'not by SIGKILL'
    const why = new RegExp(`inventory\\.db${ends[0]} no file any more.*${repair}`)
    assert.match(authority.fault ?? '', why)
    assert.match((await authority.status()).fault ?? '', why)
    await authority.close()
  }

  test('has lost nothing if it is ended once a part of its inventory was removed', async () => {
    for (const end of ['-wal', '-shm']) {
      const config = configIn(temporaryFolder(), { lake: {} })
      const first = await open(config)
      await first.apply(yes)
      const { serial } = await first.issue('lake')
      rmSync(`${layoutOf(config).authority.inventory}${end}`)
      await first.close()
      const second = await open(config)
      const { services } = await second.status()
      assert.ok(JSON.stringify(services).includes(serial))
      await second.apply(yes)
      await second.close()
    }
  })

  test('leaves its folder to whoever put another in its place, and takes nothing from him', async () => {
    const config = configIn(temporaryFolder(), { lake: {} })
    const first = await open(config)
    await first.servePeers()
    await first.apply(yes)
    const { dir, lock } = layoutOf(config).authority
    cpSync(dir, `${dir}.copy`, { recursive: true })
    rmSync(join(`${dir}.copy`, 'lock.json'))
    renameSync(dir, `${dir}.before`)
    renameSync(`${dir}.copy`, dir)
    const second = await open(config)
    await assert.rejects(() => first.issue('lake'), isCode('STATE_REPLACED'))
    assert.ok(first.fault?.startsWith(`found at ${lock} another file`))
    await second.issue('lake')
    await first.close()
    await second.issue('lake')
    await second.close()
    await (await open(config)).close()
  })

  test('seals its keys with a passphrase it made, says that they are unprotected, and opens them again', async () => {
    const config = configIn(temporaryFolder(), { lake: {} }, {})
    const first = await open(config)
    await first.apply(no)
    assert.equal((await first.status()).keysUnprotected, true)
    await first.close()
    const { passphrase } = layoutOf(config).authority
    assert.equal(statSync(passphrase).mode & 0o777, 0o600)
    assert.match(readFileSync(config.paths.caKey, 'utf8'), /DATAPUNK ENCRYPTED KEY/)
    const second = await open(config)
    await second.issue('lake')
    await second.close()
    rmSync(passphrase)
    const third = await open(config)
    await assert.rejects(() => third.issue('lake'), isCode('PASSPHRASE_MISSING'))
    await third.close()
  })

  test('takes the passphrase from the environment, and out of it', async () => {
    const config = configIn(temporaryFolder(), { lake: {} }, {})
    const environment = { MTLS_CA_PASSPHRASE: 'correct horse' }
    const first = await open(config, environment)
    assert.deepEqual(environment, {})
    await first.apply(no)
    assert.equal((await first.status()).keysUnprotected, false)
    await first.close()
    const second = await open(config, { MTLS_CA_PASSPHRASE: 'battery staple' })
    await assert.rejects(() => second.issue('lake'), {
      code: 'PASSPHRASE_WRONG',
      message: /came from \$MTLS_CA_PASSPHRASE, which is read at the start only: .* start `mtls up`.* again$/,
    })
    await second.close()
  })

  test('makes a passphrase also where a first apply was killed before it had made one', async () => {
    const config = configIn(temporaryFolder(), { lake: {} }, {})
    const randomBytes = seededRandom('killed')
    const { engine, lock } = await openEngine({
      ...{
        config,
        clock: () => clock.now(),
        randomBytes,
        environment: {},
        pid: process.pid,
        purpose: 'test',
      },
      openLog: logs.opener(() => clock.now()),
    })
    await recordMesh(engine)
    await takeLog(engine)
    engine.store.close()
    lock.release()
    const next = await open(config)
    assert.deepEqual((await next.apply(no)).failed, [])
    await next.close()
    assert.ok(existsSync(layoutOf(config).authority.passphrase))
  })

  test('takes a passphrase that was corrected without a restart', async () => {
    const dir = temporaryFolder()
    const [right, wrong] = [join(dir, 'right'), join(dir, 'wrong')]
    writeFileSync(right, 'correct horse', { mode: 0o600 })
    writeFileSync(wrong, 'corect horse', { mode: 0o600 })
    const short = join(dir, 'short')
    writeFileSync(short, 'horse', { mode: 0o600 })
    const given = (passphrase_file: string) => configIn(dir, { lake: {} }, { passphrase_file })
    const first = await open(given(short))
    await assert.rejects(() => first.apply(no), isCode('PASSPHRASE_SHORT'))
    first.configure(given(right))
    await first.apply(no)
    await first.close()

    const second = await open(given(wrong))
    await assert.rejects(() => second.issue('lake'), isCode('PASSPHRASE_WRONG'))
    second.configure(given(right))
    await second.issue('lake')
    await second.close()

    const third = await open(given(wrong))
    const backup = () => third.backup({ file: join(dir, 'backup') })
    await assert.rejects(backup, isCode('PASSPHRASE_WRONG'))
    writeFileSync(wrong, 'correct horse')
    await backup()
    await third.close()
  })

  test('says that a passphrase in the state folder protects nothing, wherever in it', async () => {
    const dir = temporaryFolder()
    for (const [place, isUnprotected] of [
      ['certs/.mtls/word', true],
      ['word', false],
    ] as const) {
      mkdirSync(dirname(join(dir, place)), { recursive: true })
      writeFileSync(join(dir, place), 'correct horse', { mode: 0o600 })
      const authority = await open(configIn(dir, { lake: {} }, { passphrase_file: place }))
      await authority.apply(no)
      assert.equal((await authority.status()).keysUnprotected, isUnprotected)
      await authority.close()
    }
  })

  test('refuses a CA it does not know before it makes anything', async () => {
    const dir = temporaryFolder()
    const config = configIn(dir, { lake: {} })
    const first = await open(config)
    await first.apply(no)
    await first.close()
    const { state } = layoutOf(config)
    renameSync(state, `${state}.away`)
    await assert.rejects(() => open(config), isCode('CA_WITHOUT_INVENTORY'))
    const reader = new AuthorityReader({ config, clock: () => clock.now() })
    assert.throws(() => reader.plan(), isCode('CA_WITHOUT_INVENTORY'))
    reader.close()
    assert.ok(!existsSync(state))
    renameSync(`${state}.away`, state)
    const second = await open(config)
    assert.equal((await second.apply(no)).done.length, 0)
    await second.close()
  })

  test('says in its status why it does nothing, for as long as that is so', async () => {
    const dir = temporaryFolder()
    const config = configIn(dir, { lake: {} }, {})
    const { keys } = layoutOf(config).authority
    const bundleKey = join(keys, 'bundle-key-1.key')
    const first = await open(config)
    await first.apply(no)
    assert.equal((await first.status()).fault, undefined)
    await first.close()

    const whole = readFileSync(bundleKey, 'utf8')
    const lines = whole.split('\n')
    const reversed = [...lines.at(-4)!].reverse().join('')
    writeFileSync(bundleKey, lines.with(-4, reversed).join('\n'))
    const second = await open(config)
    second.configure(configIn(dir, { lake: {}, stream: {} }, {}))
    await assert.rejects(() => second.apply(no), isCode('ENVELOPE_INVALID'))
    assert.match((await second.status()).fault ?? '', /^the envelope of bundle-key-1 was changed/)
    writeFileSync(bundleKey, whole)
    await second.apply(no)
    assert.equal((await second.status()).fault, undefined)

    // Nobody has to have tried.
    renameSync(keys, `${keys}-away`)
    assert.match((await second.status()).fault ?? '', /^the key of bundle-key-1 is not at/)
    await second.close()
    const reader = new AuthorityReader({ config, clock: () => clock.now() })
    assert.match(reader.status().fault ?? '', /^the key of bundle-key-1 is not at/)
    reader.close()
  })

  test('goes on under other services, but not in other places', async () => {
    const dir = temporaryFolder()
    const authority = await open(configIn(dir, { lake: {} }))
    authority.configure(configIn(dir, { lake: {}, stream: {} }))
    assert.throws(() => authority.configure(configIn(dir, { lake: {} }, {})), isCode('RESTART_NEEDED'))
    assert.throws(
      () => authority.configure(configIn(temporaryFolder(), { lake: {} })),
      isCode('RESTART_NEEDED'),
    )
    const config = configIn(dir, { lake: {} })
    const elsewhere = { ...config, authority: { ...config.authority, listen: { host: '::1', port: 7443 } } }
    assert.throws(
      () => authority.configure(elsewhere),
      /found another authority\.listen in .* than at the start/,
    )
    await authority.close()
  })

  test('does one thing at a time', async () => {
    const authority = await open(configIn(temporaryFolder(), { lake: {}, stream: {} }))
    const reports = await Promise.all([authority.apply(no), authority.apply(no), authority.issue('lake')])
    assert.equal(reports[1].done.length, 0)
    assert.equal(
      (await authority.status()).services.find(({ service }) => service === 'lake')?.serial,
      reports[2].serial,
    )
    await authority.close()
  })
})

describe('looking', () => {
  test('needs neither lock nor passphrase, and makes nothing', async () => {
    const dir = temporaryFolder()
    const config = configIn(dir, { lake: {} })
    const before = new AuthorityReader({ config, clock: () => clock.now() })
    assert.equal(before.plan().actions[0]?.kind, 'create-mesh')
    assert.equal(before.status().meshId, undefined)
    before.close()
    assert.ok(!existsSync(layoutOf(config).state))
    const authority = await open(config)
    await authority.apply(no)
    const during = new AuthorityReader({ config, clock: () => clock.now() })
    assert.deepEqual(during.plan().actions, [])
    assert.equal(during.status().services[0]?.pair, 'current')
    during.close()
    await authority.close()
  })
})

describe('over the socket', () => {
  async function served(t: TestContext, dir: string, services: Record<string, unknown>) {
    const config = configIn(dir, services)
    const authority = await open(config)
    const socket = layoutOf(config).authority.adminSocket
    const admin = await serveAdmin(authority, socket)
    const close = async () => {
      await admin.close()
      await authority.close()
    }
    atEnd(t, close)
    const client = await connectAdmin(socket, { purpose: 'issue', uid: 1000 })
    assert.ok(client !== undefined)
    return { authority, client, socket, close }
  }

  test('everything can be asked, and nobody else may connect', async (t) => {
    const { client, socket, close } = await served(t, temporaryFolder(), { lake: {} })
    assert.equal(statSync(socket).mode & 0o077, 0)
    assert.equal((await client.plan()).actions[0]?.kind, 'create-mesh')
    assert.equal((await client.apply(no)).bundle, '1.2')
    const issued = await client.issue('lake')
    assert.equal((await client.status()).services[0]?.serial, issued.serial)
    assert.deepEqual(await client.purge(), [])
    await assert.rejects(() => client.issue('nobody'), isCode('NOT_A_MEMBER'))
    await close()
    assert.equal(await connectAdmin(socket, { purpose: 'issue' }), undefined)
  })

  test('whoever takes the call and says nothing is not waited for', async (t) => {
    const socket = join(temporaryFolder(), 'admin.sock')
    const server = createServer(() => {}).listen(socket)
    atEnd(t, () => server.close())
    await once(server, 'listening')
    await assert.rejects(connectAdmin(socket, { purpose: 'status' }, 100), {
      code: 'ADMIN_SILENT',
      message: /at .*admin\.sock that has said nothing for 0\.1 s/,
    })
  })

  test('whoever hangs up is told from nobody at all', async (t) => {
    const socket = join(temporaryFolder(), 'admin.sock')
    const asker = { purpose: 'status' }
    const server = createServer((connection) => connection.destroy()).listen(socket)
    atEnd(t, () => server.close())
    await once(server, 'listening')
    const hangsUp = {
      code: 'ADMIN_SILENT',
      message:
        /admin\.sock that takes no call, or hangs up without an answer \((ECONNRESET|EPIPE)\).*ulimit -n/,
    }
    await assert.rejects(connectAdmin(socket, asker), hangsUp)
    await assert.rejects(readEvents(socket, { after: null, follow: false, asker }).next(), hangsUp)
    server.close()
    await once(server, 'close')
    assert.equal(await connectAdmin(socket, asker), undefined)
  })

  test('what is asked is recorded as claimed, and what nobody asked as the authority’s own', async (t) => {
    const dir = temporaryFolder()
    const { authority, client, close } = await served(t, dir, { lake: {} })
    await authority.apply(no)
    await Promise.all([client.issue('lake'), authority.issue('lake')])
    await close()
    const reader = new AuthorityReader({ config: configIn(dir, { lake: {} }), clock: () => clock.now() })
    const rows = [...reader.audit({ service: 'lake' })]
    assert.deepEqual(reader.verifyAudit().faults, [])
    reader.close()
    assert.deepEqual(
      rows
        .filter(({ deed }) => deed === 'issued' || deed === 'renewed')
        .map(({ actor, deed }) => [deed, actor]),
      [
        ['issued', 'test uid 7'],
        ['renewed', 'test uid 7'],
        ['renewed', 'issue uid 1000 claimed'],
      ],
    )
  })

  test('a yes is for what was shown, and for nothing else', async (t) => {
    const dir = temporaryFolder()
    const { authority, client, close } = await served(t, dir, { lake: {}, stream: {}, nexus: {} })
    await client.apply(no)
    authority.configure(configIn(dir, { lake: {}, nexus: {} }))
    assert.equal((await client.apply(no)).declined.length, 1)
    const changing = {
      approve: () => {
        authority.configure(configIn(dir, { lake: {} }))
        return true
      },
    }
    await assert.rejects(() => client.apply(changing), isCode('PLAN_CHANGED'))
    assert.equal((await client.status()).services.length, 3)
    assert.deepEqual(
      (await client.apply(yes)).done.map(({ kind, subject }) => `${kind} ${subject}`),
      ['remove-service nexus', 'remove-service stream', 'publish mesh', 'publish-lists mesh'],
    )
    assert.equal((await client.status()).services.length, 1)
    await close()
  })

  test('works where the path is longer than a socket’s may be', async (t) => {
    const { client, socket, close } = await served(t, join(temporaryFolder(), 'x'.repeat(120)), { lake: {} })
    assert.ok(socket.length > 107)
    assert.equal((await client.apply(no)).bundle, '1.2')
    await close()
  })

  test('a socket that a killed authority left behind is in nobody’s way', async (t) => {
    const dir = temporaryFolder()
    const first = await served(t, dir, { lake: {} })
    await first.close()
    writeFileSync(first.socket, '')
    const second = await served(t, dir, { lake: {} })
    await second.close()
  })
})

test('keep does what is safe by itself, shows the rest, and survives a broken config', async () => {
  const dir = temporaryFolder()
  const authority = await open(configIn(dir, { lake: {}, stream: {} }))
  const configs = [
    () => configIn(dir, { lake: {}, stream: {} }),
    () => parseConfig('services: {', { file: 'mtls-config.yaml' }),
    () => configIn(dir, { lake: {}, nexus: {} }),
    () => configIn(dir, { lake: {}, nexus: {} }),
  ]
  const ending = new AbortController()
  const told: string[] = []
  let round = 0
  await keep({
    authority,
    loadConfig: () => configs[round]!(),
    clock: Date.now,
    pace: new Pace(Date.now),
    wait: async () => {
      if (++round === configs.length) ending.abort()
    },
    signal: ending.signal,
    onApplied: ({ declined }) => told.push(`applied, ${declined.length} waiting`),
    onError: (error) => told.push((error as Error).name),
  })
  assert.deepEqual(told, ['applied, 0 waiting', 'ConfigError', 'applied, 1 waiting'])
  const services = (await authority.status()).services.map(({ service }) => service)
  assert.deepEqual(services, ['lake', 'nexus', 'stream'])
  await authority.close()
})

test('one that acts for the time of a deed has told every service of its files when it ends', async () => {
  const dir = temporaryFolder()
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const told = (name: string) => join(dir, `told-${name}`)
  const services = names.map((name) => [
    name,
    { delivery: 'files', reload: { command: ['sh', '-c', `sleep 0.1; echo >> ${told(name)}`] } },
  ])
  const config = configIn(dir, Object.fromEntries(services))
  const authority = await open(config)
  await authority.apply(no)
  await authority.rotate({ what: 'pairs' })
  await authority.close()
  assert.deepEqual(
    names.map((name) => readFileSync(told(name), 'utf8')),
    names.map(() => '\n\n'),
  )
})

test('a service that takes its time with its files keeps nobody from work', async () => {
  const dir = temporaryFolder()
  const go = join(dir, 'go')
  const script = `while [ ! -e "${go}" ]; do sleep 0.02; done`
  const db = { delivery: 'files', reload: { command: ['sh', '-c', script] } }
  const authority = await open(configIn(dir, { lake: {}, stream: {}, db }))
  const delivered = new Promise<void>((resolve) => authority.onStirred(resolve))
  // As `up` does it: others are let in while the service is still busy.
  const first = await authority.apply({ ...no, pace: new Pace(Date.now) })
  assert.deepEqual(first.failed, [])
  const { bundle } = await authority.revoke({ targets: [{ service: 'lake' }], reason: 'unspecified' })
  assert.deepEqual((await authority.enforcement({ bundle, wait: 10 })).untold, ['db'])
  assert.equal((await authority.status()).services.find(({ service }) => service === 'lake')?.barred, true)
  // Whoever asks for an apply hears what has come of it.
  let isOver = false
  const byHand = authority.apply(no).then(() => {
    isOver = true
  })
  await authority.issue('lake')
  assert.ok(!isOver)
  writeFileSync(go, '')
  await delivered
  await byHand
  assert.deepEqual((await authority.enforcement({ bundle, wait: 60_000 })).byFile, ['db'])
  await authority.close()
})
