import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { encodeMessage, layoutOf } from '@datapunk/protocol'
import { atEnd } from '@datapunk/testkit'
import { AuthorityReader } from './authority-reader.ts'
import { AuthorityError } from './error.ts'
import type { AuthorityEvent } from './events/event.ts'
import { SqliteStore } from './store/sqlite.ts'
import {
  clock,
  configIn,
  isCode,
  keysInClear,
  logs,
  no,
  openAuthority,
  temporaryFolder,
  yes,
} from './testing/test-authority.ts'
import { Pace } from './timing/pace.ts'

describe('an authority', () => {
  test('tells in its audit how often each key has signed, and in each bundle what the audit was', async () => {
    const config = configIn(temporaryFolder(), { lake: {}, stream: {} })
    const authority = await openAuthority(config)
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

  test('lets go of its folder also where something of it does not end well, and tells the first of that', async (t) => {
    const config = configIn(temporaryFolder(), { lake: {} })
    const opener = logs.opener(() => clock.now())
    t.mock.method(logs, 'opener', (): typeof opener => async (of) => ({
      ...(await opener(of)),
      close: () => Promise.reject(new Error('the log does not end')),
    }))
    const authority = await openAuthority(config)
    t.mock.restoreAll()
    await authority.apply(yes)
    await assert.rejects(authority.close(), { message: 'the log does not end' })
    const next = await openAuthority(config)
    await next.close()
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
    const authority = await openAuthority(configIn(dir, { lake: {}, stream: {} }), {}, acknowledge)
    atEnd(t, () => authority.close())
    await authority.servePeers()
    await authority.apply(yes)
    const lake = { service: 'lake', instance: 'lake', version: '1', serial: '01', revoked: false }
    authority.peers.arrived({ ...lake, peer: 'one' })
    authority.configure(configIn(dir, { lake: {}, stream: {} }, keysInClear, { key_algorithm: 'ed25519' }))
    const { done, failed } = await authority.apply(no)
    assert.deepEqual(failed, [])
    assert.equal(done.filter(({ kind }) => kind === 'issue').length, 2)
  })

  test('is alone on its state folder', async () => {
    const config = configIn(temporaryFolder(), { lake: {} })
    const first = await openAuthority(config)
    await assert.rejects(() => openAuthority(config), isCode('LOCKED'))
    await first.close()
    await (await openAuthority(config)).close()
  })

  test('halts at once when a peer shows a newer bundle, and puts that on record as soon as it can', async (t) => {
    const [folder, before] = [temporaryFolder(), temporaryFolder()]
    const config = configIn(folder, { lake: {} })
    const first = await openAuthority(config)
    await first.apply(yes)
    await first.close()
    cpSync(folder, before, { recursive: true })
    const second = await openAuthority(configIn(folder, { lake: {}, stream: {} }))
    await second.apply(yes)
    await second.close()
    const head = readFileSync(layoutOf(config).mesh.head)
    rmSync(folder, { recursive: true })
    cpSync(before, folder, { recursive: true })

    const told: string[] = []
    const reported = new EventEmitter()
    const authority = await openAuthority(config, {}, ({ kind }) => {
      told.push(kind)
      reported.emit(kind)
    })
    atEnd(t, () => authority.close())
    await authority.servePeers()
    const full = () => Promise.reject(new AuthorityError('STORE_FAILED', 'the disk is full'))
    const { mock } = t.mock.method(SqliteStore.prototype, 'write', full)
    const failed = once(reported, 'store-failed')
    const { socket: socketPath } = layoutOf(config).mesh
    const asked = request({ socketPath, path: '/stream', method: 'POST', agent: false })
    asked.on('error', () => {})
    asked.write(encodeMessage({ type: 'hello', document: Buffer.from('{}'), head }))
    await failed
    await assert.rejects(authority.issue('lake'), isCode('INVENTORY_OUTDATED'))
    mock.restore()
    assert.equal(told.includes('halted'), false)
    await assert.rejects(authority.issue('lake'), isCode('INVENTORY_OUTDATED'))
    assert.ok(told.includes('halted'))
  })

  test('records and publishes nothing more once its inventory was removed, or a part of it, and says why', async () => {
    for (const ends of [['', '-wal', '-shm'], ['-wal'], ['-shm']]) await losesInventory(ends)
  })

  async function losesInventory(ends: readonly string[]) {
    const config = configIn(temporaryFolder(), { lake: {} })
    const authority = await openAuthority(config)
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
      const first = await openAuthority(config)
      await first.apply(yes)
      const { serial } = await first.issue('lake')
      rmSync(`${layoutOf(config).authority.inventory}${end}`)
      await first.close()
      const second = await openAuthority(config)
      const { services } = await second.status()
      assert.ok(JSON.stringify(services).includes(serial))
      await second.apply(yes)
      await second.close()
    }
  })

  test('leaves its folder to whoever put another in its place, and takes nothing from him', async () => {
    const config = configIn(temporaryFolder(), { lake: {} })
    const first = await openAuthority(config)
    await first.servePeers()
    await first.apply(yes)
    const { dir, lock } = layoutOf(config).authority
    cpSync(dir, `${dir}.copy`, { recursive: true })
    rmSync(join(`${dir}.copy`, 'lock.json'))
    renameSync(dir, `${dir}.before`)
    renameSync(`${dir}.copy`, dir)
    const second = await openAuthority(config)
    await assert.rejects(() => first.issue('lake'), isCode('STATE_REPLACED'))
    assert.ok(first.fault?.startsWith(`found at ${lock} another file`))
    await second.issue('lake')
    await first.close()
    await second.issue('lake')
    await second.close()
    await (await openAuthority(config)).close()
  })

  test('refuses a CA it does not know before it makes anything', async () => {
    const dir = temporaryFolder()
    const config = configIn(dir, { lake: {} })
    const first = await openAuthority(config)
    await first.apply(no)
    await first.close()
    const { state } = layoutOf(config)
    renameSync(state, `${state}.away`)
    await assert.rejects(() => openAuthority(config), isCode('CA_WITHOUT_INVENTORY'))
    const reader = new AuthorityReader({ config, clock: () => clock.now() })
    assert.throws(() => reader.plan(), isCode('CA_WITHOUT_INVENTORY'))
    reader.close()
    assert.ok(!existsSync(state))
    renameSync(`${state}.away`, state)
    const second = await openAuthority(config)
    assert.equal((await second.apply(no)).done.length, 0)
    await second.close()
  })

  test('says in its status why it does nothing, for as long as that is so', async () => {
    const dir = temporaryFolder()
    const config = configIn(dir, { lake: {} }, {})
    const { keys } = layoutOf(config).authority
    const bundleKey = join(keys, 'bundle-key-1.key')
    const first = await openAuthority(config)
    await first.apply(no)
    assert.equal((await first.status()).fault, undefined)
    await first.close()

    const whole = readFileSync(bundleKey, 'utf8')
    const lines = whole.split('\n')
    const reversed = [...lines.at(-4)!].reverse().join('')
    writeFileSync(bundleKey, lines.with(-4, reversed).join('\n'))
    const second = await openAuthority(config)
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
    const authority = await openAuthority(configIn(dir, { lake: {} }))
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
    const authority = await openAuthority(configIn(temporaryFolder(), { lake: {}, stream: {} }))
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
    const authority = await openAuthority(config)
    await authority.apply(no)
    const during = new AuthorityReader({ config, clock: () => clock.now() })
    assert.deepEqual(during.plan().actions, [])
    assert.equal(during.status().services[0]?.pair, 'current')
    during.close()
    await authority.close()
  })
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
  const authority = await openAuthority(config)
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
  const authority = await openAuthority(configIn(dir, { lake: {}, stream: {}, db }))
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

test('what a config asks for that came in the middle of an apply is not taken for approved', async (t) => {
  const dir = temporaryFolder()
  const go = join(dir, 'go')
  const command = ['sh', '-c', `while [ ! -e "${go}" ]; do sleep 0.02; done`]
  const lake = { reload: { command } }
  const authority = await openAuthority(configIn(dir, { lake, stream: {} }))
  atEnd(t, () => authority.close())
  writeFileSync(go, '')
  await authority.apply(yes)
  await authority.servePeers()
  rmSync(go)
  clock.advance(60_000)
  const rotation = authority.rotate({ what: 'issuing-ca', without: [] })
  // The step asked for, and then the apply that goes on from it when lake was told.
  await authority.plan()
  await authority.plan()
  authority.configure(configIn(dir, { lake }))
  writeFileSync(go, '')
  await rotation
  const services = (await authority.status()).services.map(({ service }) => service)
  assert.deepEqual(services, ['lake', 'stream'])
  // Who asks now is asked.
  let asked = 0
  const { done } = await authority.apply({ approve: () => ++asked > 0 })
  assert.deepEqual([asked, done.some(({ kind }) => kind === 'remove-service')], [1, true])
})
