import assert from 'node:assert/strict'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type Config, layoutOf, MAX_LOGS, readTrustStatement } from '@datapunk/protocol'
import { atEnd } from '@datapunk/testkit'
import { AuthorityReader } from '../authority-reader.ts'
import { Disk } from '../disk/disk.ts'
import { FailingCalls, PowerCut } from '../disk/testing/failing-calls.ts'
import { isLiving } from '../scts/submit.ts'
import { acquireLock } from '../state/lock.ts'
import { restorePlaces } from '../state/settle.ts'
import {
  applyIn,
  backUpIn,
  backUpNewer,
  clock,
  configIn,
  lookIn,
  openIn,
  passphrase,
  restoreIn,
  withAuthority,
} from './testing/mesh-in.ts'

const DAY = 24 * 60 * 60 * 1000

const top = mkdtempSync(join(tmpdir(), 'mtls-restore-'))
after(() => rmSync(top, { recursive: true }))

const folder = join(top, 'mesh')
const backup = join(folder, 'a.backup')
/** A backup is encrypted also where keys lie in clear; its passphrase is given in a file then. */
const word = join(folder, 'word')
let config: Config

/** A mesh and its backup, made once and copied, because keys take their time. The inventory knows paths: they stay the same. */
const pattern = join(top, 'pattern')
before(async () => {
  mkdirSync(folder)
  writeFileSync(word, passphrase, { mode: 0o600 })
  await applyIn(configIn(folder))
  await backUpIn(configIn(folder), backup)
  renameSync(folder, pattern)
})

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true })
  cpSync(pattern, folder, { recursive: true, verbatimSymlinks: true })
  config = configIn(folder)
})

const restore = (options: Parameters<typeof restoreIn>[2] = {}, from = backup) =>
  restoreIn(config, from, { passphraseFile: word, ...options })

const lose = (...paths: string[]) => {
  for (const path of paths) rmSync(path, { recursive: true })
}

/** The disk with the authority on it is gone; what services read is left. */
const loseAuthority = () => lose(layoutOf(config).authority.dir, config.paths.caKey)

/** The whole machine is gone. */
const loseAll = () => lose(layoutOf(config).state, config.paths.caKey, config.paths.caCert)

const bundleKeys = () =>
  lookIn(config, (store) =>
    store.slots().flatMap(({ id, kind, state }) => (kind === 'bundle-key' ? [`${id} ${state}`] : [])),
  )

const deeds = () => lookIn(config, (store) => store.audit(0, 1000).map(({ deed }) => deed))

describe('a restored authority', () => {
  test('goes on however often it is restored: of its logs only the newest stay, and nothing in use is under another', async () => {
    for (let n = 1; n <= MAX_LOGS + 2; n++) {
      loseAuthority()
      await restore()
      await applyIn(config)
      const logs = lookIn(config, (store) => readTrustStatement(store.trustStatements().at(-1)!.bytes).logs)
      assert.ok(logs.length <= MAX_LOGS, `${logs.length} logs after ${n} restores`)
    }
    const { slots, current } = lookIn(config, (store) => ({
      slots: store.slots(),
      current: store.currentCertificates(),
    }))
    const active = slots.find(({ kind, state }) => kind === 'log' && state === 'active')
    assert.deepEqual(
      current.map(({ log }) => log),
      current.map(() => active?.id),
    )
    assert.ok(slots.filter((slot) => slot.kind === 'log' && isLiving(slot)).length < MAX_LOGS)
    const again = await withAuthority(config, (authority) => authority.apply({ approve: () => false }))
    assert.deepEqual([again.done, again.failed], [[], []])
  })

  test('goes on as the same mesh, under the next generation and a new bundle key', async () => {
    const before = lookIn(config, (store) => ({
      mesh: store.mesh(),
      certificate: store.currentCertificates()[0],
    }))
    loseAll()
    const report = await restore()
    assert.deepEqual(report, {
      ...{
        generation: 2,
        bundleKey: 'bundle-key-2',
        madeAt: clock.now(),
        movedTo: undefined,
        rootKeys: [],
        barred: [],
      },
      ...{ meshId: before.mesh?.meshId, trustDomain: 'service.datapunk' },
    })
    assert.deepEqual(bundleKeys(), ['bundle-key-1 retired', 'bundle-key-2 active'])
    assert.deepEqual(deeds().slice(-4), ['restored', 'key-retired', 'key-created', 'key-activated'])
    const { mesh, known } = lookIn(config, (store) => ({
      mesh: store.mesh(),
      known: store.certificate(before.certificate!.serial),
    }))
    assert.deepEqual(mesh, { ...before.mesh, generation: 2, backedUpAt: clock.now() })
    assert.deepEqual(known, before.certificate)
    assert.match(await applyIn(config), /^2\.\d+$/)
    assert.deepEqual(readdirSync(layoutOf(config).mesh.trustDir).sort(), ['1.1.json', '2.2.json'])
    const again = await withAuthority(config, (authority) => authority.apply({ approve: () => false }))
    assert.deepEqual(again.done, [])
  })

  test('has its root key in its seat again, and the key that signed before is destroyed', async () => {
    const { caKey } = config.paths
    const before = readFileSync(caKey)
    loseAll()
    await restore()
    await applyIn(config)
    assert.ok(readFileSync(caKey).equals(before))
    assert.deepEqual(readdirSync(layoutOf(config).authority.keys).sort(), [
      'bundle-key-2.key',
      'issuing-ca-1.key',
    ])
  })

  test('leaves the pairs that services read as they are', async () => {
    const pair = readFileSync(config.services.get('lake')!.cert)
    loseAuthority()
    await restore()
    assert.ok(readFileSync(config.services.get('lake')!.cert).equals(pair))
    const report = await withAuthority(config, (authority) => authority.apply({ approve: () => false }))
    assert.ok(report.done.every((action) => !('instance' in action)))
    assert.ok(readFileSync(config.services.get('lake')!.cert).equals(pair))
  })

  test('lies behind private folders, with nothing else beside it', async () => {
    loseAll()
    await restore()
    const { state, authority } = layoutOf(config)
    assert.deepEqual(readdirSync(state), ['authority'])
    assert.deepEqual(readdirSync(authority.dir).sort(), ['inventory.db', 'keys', 'lock.db'])
    for (const path of [authority.dir, authority.keys]) assert.equal(statSync(path).mode & 0o777, 0o700)
    for (const path of [authority.inventory, join(authority.keys, 'root-1.key')])
      assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  test('never comes back to a generation, whatever of the last ones is left', async () => {
    loseAuthority()
    assert.equal((await restore()).generation, 2)
    await applyIn(config)
    // What was published tells of the second.
    loseAuthority()
    assert.equal((await restore()).generation, 3)
    // The inventory alone tells of the third.
    assert.equal((await restore({ replace: true })).generation, 4)
    await applyIn(config)
    // A head alone tells of the fourth.
    loseAuthority()
    lose(layoutOf(config).mesh.trustDir)
    assert.equal((await restore()).generation, 5)
  })

  test('never comes back to a generation that only an inventory tells of which this mtls does not open', async () => {
    const { authority, mesh } = layoutOf(config)
    const tamper = (sql: string) => {
      const database = new DatabaseSync(authority.inventory)
      database.exec(sql)
      database.close()
    }
    lose(mesh.dir)
    let generation = 1
    for (const version of [1, 6, 900]) {
      tamper(`PRAGMA user_version = ${version}`)
      assert.equal((await restore({ replace: true })).generation, ++generation)
    }
    // What is damaged tells nothing, and an inventory is there all the same.
    writeFileSync(authority.inventory, 'x'.repeat(4096))
    await assert.rejects(restore(), { code: 'RESTORE_REFUSED', message: /--replace/ })
    assert.equal((await restore({ replace: true })).generation, 2)
    // What is empty is none.
    writeFileSync(authority.inventory, '')
    assert.equal((await restore()).generation, 2)
  })

  test('believes of what lies in the mesh folder only what its own keys have signed', async () => {
    loseAuthority()
    const { mesh } = layoutOf(config)
    const forged = readFileSync(mesh.trustStatement({ generation: 1, counter: 1 }), 'utf8')
    const { payload, ...rest } = JSON.parse(forged)
    const said = JSON.parse(Buffer.from(payload, 'base64').toString())
    const higher = Buffer.from(JSON.stringify({ ...said, number: { generation: 900, counter: 1 } }))
    const document = JSON.stringify({ ...rest, payload: higher.toString('base64') })
    writeFileSync(mesh.trustStatement({ generation: 900, counter: 1 }), document)
    const beyond = Buffer.from(JSON.stringify({ ...said, number: { generation: 900_000_000, counter: 1 } }))
    writeFileSync(
      mesh.trustStatement({ generation: 900_000_000, counter: 1 }),
      JSON.stringify({ ...rest, payload: beyond.toString('base64') }),
    )
    writeFileSync(mesh.trustStatement({ generation: 901, counter: 1 }), 'garbage')
    writeFileSync(mesh.head, 'garbage')
    // A number that is too high harms nobody; what it stands on is not learned.
    assert.equal((await restore()).generation, 901)
    assert.equal(
      lookIn(config, (store) => store.trustStatements().length),
      1,
    )
  })

  test('learns from what was published which issuing CA was lost with the newer inventory', async () => {
    config = configIn(folder, { authority: { store_ca_keys_in_clear: true, extra_domains: ['example.org'] } })
    await applyIn(config)
    const newest = lookIn(config, (store) => store.trustStatements().at(-1)!)
    assert.ok(newest.counter > 1)
    loseAuthority()
    await restore()
    const slots = lookIn(config, (store) => store.slots().map(({ id, state }) => `${id} ${state}`))
    assert.ok(slots.includes('issuing-ca-1 active') && slots.includes('issuing-ca-2 retiring'))
    await applyIn(config)
    const next = lookIn(
      config,
      (store) => store.trustStatements().find(({ generation }) => generation === 2)!,
    )
    assert.equal(next.counter, newest.counter + 1)
    // Another one is made in its place, under a number of its own.
    assert.ok(lookIn(config, (store) => store.slots()).some(({ id }) => id === 'issuing-ca-3'))
  })

  test('keeps the passphrase that was found in the state folder, and seals its new key with it', async () => {
    config = configIn(join(folder, 'sealed'), { authority: {} })
    await applyIn(config)
    const { authority } = layoutOf(config)
    const found = readFileSync(authority.passphrase, 'utf8')
    await withAuthority(config, async (one) => {
      const made = await one.backup({ file: `${backup}2` })
      assert.equal(made.passphraseInState, true)
    })
    assert.ok(!readFileSync(`${backup}2`).includes(found.trim()))
    await restoreIn(config, `${backup}2`, { replace: true, environment: {} })
    assert.equal(readFileSync(authority.passphrase, 'utf8'), found)
    assert.match(readFileSync(join(authority.keys, 'bundle-key-2.key'), 'utf8'), /DATAPUNK ENCRYPTED KEY/)
    await applyIn(config)
  })
})

describe('of a mesh whose root is offline', () => {
  const authority = { store_ca_keys_in_clear: true, root: { offline: true } }
  const applied = () => withAuthority(config, (one) => one.apply({ approve: () => true }))
  let safe: string

  beforeEach(async () => {
    safe = join(folder, 'safe.key')
    config = configIn(folder, { authority })
    renameSync(config.paths.caKey, safe)
    await backUpIn(config, `${backup}2`)
  })

  test('the backup is made without its key, and the restored one asks for it', async () => {
    const { mesh } = layoutOf(config)
    const head = readFileSync(mesh.head)
    lose(layoutOf(config).authority.dir)
    const { rootKeys } = await restore({}, `${backup}2`)
    assert.deepEqual(rootKeys, [{ slot: 'root-1', path: config.paths.caKey }])

    // Nothing that peers would refuse is published, and nothing changes that they would have to hear of.
    config = configIn(folder, { authority, services: { lake: {}, stream: {} } })
    const { done, asks } = await applied()
    assert.deepEqual(
      [done, asks.map(({ step, keys }) => [step.kind, keys])],
      [[], [['publish-trust-statement', rootKeys]]],
    )
    assert.ok(readFileSync(mesh.head).equals(head))
    assert.equal(
      lookIn(config, (store) => store.services().length),
      1,
    )

    renameSync(safe, config.paths.caKey)
    const after = await applied()
    assert.match(after.bundle, /^2\./)
    assert.deepEqual(after.asks, [])
    assert.deepEqual(readdirSync(mesh.trustDir).sort(), ['1.1.json', '2.2.json'])
    assert.equal(
      lookIn(config, (store) => store.services().length),
      2,
    )
  })

  test('the next one asks for nothing where the key was brought before', async () => {
    lose(layoutOf(config).authority.dir)
    renameSync(safe, config.paths.caKey)
    assert.deepEqual((await restore({}, `${backup}2`)).rootKeys, [])
    assert.match(await applyIn(config), /^2\./)
  })

  test('it is refused where the config does not say that the key may be away', async () => {
    lose(layoutOf(config).authority.dir)
    config = configIn(folder)
    await assert.rejects(restore({}, `${backup}2`), {
      code: 'KEY_MISSING',
      message: /authority\.root\.offline: true/,
    })
  })
})

describe('a restore is refused', () => {
  const isRefused = (message: RegExp) => ({ code: 'RESTORE_REFUSED', message })

  test('where an inventory is, unless that is to be moved aside; and then nothing of it is lost', async () => {
    const { authority } = layoutOf(config)
    const before = {
      inventory: lookIn(config, (store) => store.audit(0, 1000).length),
      key: readFileSync(config.paths.caKey),
    }
    await assert.rejects(restore(), isRefused(/--replace/))
    await withAuthority(config, (one) => one.issue('lake'))
    const { movedTo } = await restore({ replace: true })
    assert.equal(movedTo, join(layoutOf(config).state, 'authority.before-2026-06-01T00:00:00.000Z'))
    assert.ok(readFileSync(join(movedTo, 'ca.key')).equals(before.key))
    assert.ok(existsSync(join(movedTo, 'keys/bundle-key-1.key')))
    const old = new DatabaseSync(join(movedTo, 'inventory.db'), { readOnly: true })
    const { count } = old.prepare('SELECT count(*) AS count FROM audit').get() as { count: number }
    old.close()
    assert.ok(count > before.inventory)
    assert.ok(existsSync(authority.inventory))
  })

  test('where the inventory is of another mesh, or the config of another trust domain', async () => {
    const other = configIn(join(folder, 'other'))
    await applyIn(other)
    const restoring = restoreIn(other, backup, { passphraseFile: word, replace: true })
    await assert.rejects(restoring, isRefused(/another mesh/))
    config = configIn(folder, { trust_domain: 'other.example' })
    await assert.rejects(restore({ replace: true }), isRefused(/trust domain other\.example/))
  })

  test('where the inventory is of another mesh, also where this mtls does not open it', async () => {
    const other = configIn(join(folder, 'other'))
    await applyIn(other)
    const database = new DatabaseSync(layoutOf(other).authority.inventory)
    database.exec('PRAGMA user_version = 900')
    database.close()
    const restoring = restoreIn(other, backup, { passphraseFile: word, replace: true })
    await assert.rejects(restoring, isRefused(/another mesh/))
  })

  test('where others may read the inventory, or another program holds it', async () => {
    const { inventory } = layoutOf(config).authority
    chmodSync(inventory, 0o640)
    await assert.rejects(restore({ replace: true }), { code: 'PERMISSIONS', message: /chmod 0600/ })
    chmodSync(inventory, 0o600)
    const held = new DatabaseSync(inventory)
    held.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT')
    await assert.rejects(restore({ replace: true }), { code: 'STORE_FAILED', message: /end that one/ })
    held.close()
    assert.equal((await restore({ replace: true })).generation, 2)
  })

  test('where another CA lies in the place of this one', async () => {
    const other = configIn(join(folder, 'other'))
    await applyIn(other)
    loseAll()
    cpSync(other.paths.caKey, config.paths.caKey)
    await assert.rejects(restore(), isRefused(/another key than that of root-1/))
    rmSync(config.paths.caKey)
    cpSync(other.paths.caCert, config.paths.caCert)
    await assert.rejects(restore(), { code: 'CA_MISMATCH' })
    assert.deepEqual(readdirSync(layoutOf(config).state), ['authority'])
  })

  test('where peers trust a root whose key the backup does not have', async (t) => {
    const begun = clock.now()
    atEnd(t, () => clock.set(begun))
    const years = { years: 3 }
    const change = { authority: { store_ca_keys_in_clear: true, root: years, issuing: years } }
    config = configIn(join(folder, 'short'), change)
    await applyIn(config)
    await backUpIn(config, `${backup}2`)
    clock.set(begun + 600 * DAY)
    await applyIn(config)
    assert.ok(lookIn(config, (store) => store.slots()).some(({ id }) => id === 'root-2'))
    loseAuthority()
    const restoring = restore({}, `${backup}2`)
    await assert.rejects(restoring, isRefused(/root 2.*move .*mesh and paths\.ca_cert away/))
  })

  test('with a wrong passphrase, or none', async () => {
    loseAll()
    await assert.rejects(restore({ passphraseFile: undefined, environment: {} }), {
      code: 'PASSPHRASE_MISSING',
      message: /--passphrase-file/,
    })
    writeFileSync(word, 'wrong')
    await assert.rejects(restore(), { code: 'PASSPHRASE_WRONG' })
    rmSync(word)
    await assert.rejects(restore(), { code: 'PASSPHRASE_MISSING' })
  })

  test('with a passphrase for the CA keys that opens none of them', async () => {
    config = configIn(join(folder, 'sealed'), { authority: {} })
    const environment = { MTLS_CA_PASSPHRASE: 'one passphrase' }
    const authority = await openIn(config, { environment })
    await authority.apply({ approve: () => false })
    await authority.backup({ file: `${backup}2`, passphraseFile: word })
    await authority.close()
    loseAll()
    const restoring = restore({ environment: { MTLS_CA_PASSPHRASE: 'other passphrase' } }, `${backup}2`)
    await assert.rejects(restoring, { code: 'PASSPHRASE_WRONG', message: /the key of issuing-ca-1/ })
    await restore({ environment: { MTLS_CA_PASSPHRASE: 'one passphrase' } }, `${backup}2`)
  })

  test('while another authority acts there', async () => {
    const { authority } = layoutOf(config)
    const lock = acquireLock(authority.lock, { pid: 1, purpose: 'up', now: clock.now() })
    await assert.rejects(restore({ replace: true }), { code: 'LOCKED', message: /mtls up/ })
    lock.release()
  })

  test('from an inventory that only newer code reads', async () => {
    await backUpNewer(config, `${backup}2`)
    loseAll()
    await assert.rejects(restore({}, `${backup}2`), {
      code: 'SCHEMA_TOO_NEW',
      message: /a\.backup2 an inventory of schema 900.*newer mtls/,
    })
  })

  test('and leaves everything as it was, but for the lock’s own file', async () => {
    loseAll()
    writeFileSync(backup, readFileSync(backup).subarray(0, 60_000))
    await assert.rejects(restore(), { code: 'BACKUP_INVALID' })
    const { state, authority } = layoutOf(config)
    assert.deepEqual([readdirSync(state), readdirSync(authority.dir)], [['authority'], ['lock.db']])
  })
})

describe('a power cut at any moment of a restore', () => {
  for (const [what, prepare, replace] of [
    ['into an empty folder', loseAll, false],
    ['in the place of another', () => {}, true],
  ] as const) {
    test(`${what} leaves what was there, or all that was restored`, async () => {
      prepare()
      const outcomes = { old: 0, new: 0 }
      const start = join(top, `start-${replace}`)
      renameSync(folder, start)
      const cutAt = async (failAt?: number) => {
        cpSync(start, folder, { recursive: true, verbatimSymlinks: true })
        const failing = new FailingCalls(failAt === undefined ? {} : { failAt })
        const restoring = restore({ replace, disk: new Disk({ calls: failing.calls }) })
        await restoring.catch((error) => assert.ok(error instanceof PowerCut, error))
        outcomes[await whatIsThere(replace, (failAt ?? 0) % 4 === 0)]++
        rmSync(folder, { recursive: true })
        return failing.log
      }
      const calls = await cutAt()
      // While it is being unpacked one moment is like the other; from then on each is tried.
      const unpacked = calls.findIndex((call) => /^renameSync .*\.restoring\/authority$/.test(call))
      assert.ok(unpacked > 0)
      for (let at = 1; at < unpacked - 4; at += 9) await cutAt(at)
      for (let at = unpacked - 4; at <= calls.length; at++) await cutAt(at)
      assert.ok(outcomes.old > 10 && outcomes.new > 5, JSON.stringify(outcomes))
    })
  }

  /** Told by what the next command finds. */
  async function whatIsThere(hadOne: boolean, andGoesOn: boolean): Promise<'old' | 'new'> {
    const layout = layoutOf(config)
    const reader = new AuthorityReader({ config, clock: () => clock.now() })
    const { bundle, meshId } = reader.status()
    reader.close()
    if (!existsSync(layout.authority.inventory)) {
      assert.ok(!hadOne && meshId === undefined)
      // It is begun again as if nothing had been.
      if (andGoesOn) assert.equal((await restore()).generation, 2)
      return 'old'
    }
    const keys = bundleKeys()
    if (keys.length === 1) {
      assert.ok(hadOne && bundle === '1.2')
      if (andGoesOn) {
        await applyIn(config)
        const { staging, ready } = restorePlaces(layout)
        assert.ok(!existsSync(staging) && !existsSync(ready))
      }
      return 'old'
    }
    assert.deepEqual(keys, ['bundle-key-1 retired', 'bundle-key-2 active'])
    assert.match(await applyIn(config), /^2\./)
    return 'new'
  }
})
