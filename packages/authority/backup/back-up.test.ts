import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, beforeEach, describe, test } from 'node:test'
import { type Config, layoutOf } from '@datapunk/protocol'
import { connectAdmin } from '../admin/connect-admin.ts'
import { serveAdmin } from '../admin/serve-admin.ts'
import type { AuthorityEvent } from '../events/event.ts'
import {
  applyIn,
  clock,
  configIn,
  lookIn,
  openIn,
  passphrase,
  restoreIn,
  withAuthority,
} from './testing/mesh-in.ts'

const top = mkdtempSync(join(tmpdir(), 'mtls-back-up-'))
after(() => rmSync(top, { recursive: true }))

let count = 0
let folder: string
let config: Config
let file: string
let passphraseFile: string

beforeEach(async () => {
  folder = join(top, `${++count}`)
  mkdirSync(folder)
  config = configIn(folder)
  file = join(folder, 'a.backup')
  passphraseFile = join(folder, 'word')
  writeFileSync(passphraseFile, passphrase, { mode: 0o600 })
  await applyIn(config)
})

const backUp = (to = file) =>
  withAuthority(config, (authority) => authority.backup({ file: to, passphraseFile }))

test('a backup is one private file, on record with its time, and with nothing left beside it', async () => {
  const events: AuthorityEvent[] = []
  const authority = await openIn(config, { report: (event) => events.push(event) })
  const made = await authority.backup({ file, passphraseFile })
  await authority.close()
  const { size, mode } = statSync(file)
  assert.equal(mode & 0o777, 0o600)
  const { mesh, entry } = lookIn(config, (store) => ({
    mesh: store.mesh()!,
    entry: store.audit(0, 1000).at(-1),
  }))
  const { meshId, trustDomain } = mesh
  assert.deepEqual(made, {
    ...{ file, size, meshId, trustDomain, generation: 1, madeAt: clock.now() },
    ...{ withoutKeys: [], passphraseInState: false },
  })
  assert.equal(mesh.backedUpAt, clock.now())
  const told = { file, size, generation: 1, madeAt: new Date(clock.now()).toISOString(), withoutKeys: [] }
  assert.deepEqual([entry?.deed, entry?.entry], ['backed-up', told])
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['backed-up'],
  )
  assert.deepEqual(
    readdirSync(layoutOf(config).authority.dir).filter((name) => name.startsWith('backup')),
    [],
  )
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('.')),
    [],
  )
})

test('an earlier backup of this mesh is replaced; nothing else is', async () => {
  await backUp()
  const first = readFileSync(file)
  await backUp()
  assert.ok(!readFileSync(file).equals(first))
  const isRefused = (message: RegExp) => ({ code: 'BACKUP_REFUSED', message })
  await assert.rejects(backUp(config.paths.caKey), isRefused(/something else than a backup/))
  await assert.rejects(backUp(folder), isRefused(/something else than a backup/))
  await assert.rejects(backUp(join(folder, 'nowhere/a.backup')), isRefused(/no folder .*nowhere/))
  const other = configIn(join(folder, 'other'))
  await applyIn(other)
  const taking = withAuthority(other, (authority) => authority.backup({ file, passphraseFile }))
  await assert.rejects(taking, isRefused(/the backup of mesh [0-9a-f]{32}/))
})

test('there is none before there is a mesh, and none without a passphrase', async () => {
  const none = configIn(join(folder, 'none'))
  const early = withAuthority(none, (authority) => authority.backup({ file, passphraseFile }))
  await assert.rejects(early, { code: 'BACKUP_REFUSED', message: /no mesh yet/ })
  const open = withAuthority(config, (authority) => authority.backup({ file }))
  await assert.rejects(open, { code: 'PASSPHRASE_MISSING', message: /--passphrase-file/ })
  rmSync(passphraseFile)
  writeFileSync(passphraseFile, passphrase, { mode: 0o644 })
  await assert.rejects(backUp(), { code: 'PERMISSIONS' })
  assert.ok(!existsSync(file))
})

test('none is encrypted with a passphrase that is not that of the keys, and none is made up for it', async () => {
  const sealed = configIn(join(folder, 'sealed'), { authority: {} })
  const { authority } = layoutOf(sealed)
  const open = (word: string | undefined) => openIn(sealed, { environment: { MTLS_CA_PASSPHRASE: word } })
  const early = await open(undefined)
  await assert.rejects(early.backup({ file }), { code: 'BACKUP_REFUSED' })
  await early.close()
  assert.ok(!existsSync(authority.passphrase))

  const right = await open('the right passphrase')
  await right.apply({ approve: () => false })
  await right.close()
  const wrong = await open('wrong')
  await assert.rejects(wrong.backup({ file }), { code: 'PASSPHRASE_WRONG' })
  await wrong.close()
  assert.ok(!existsSync(file))
})

test('a state that is not the newest takes no backup’s place', async () => {
  const { inventory } = layoutOf(config).authority
  const database = new DatabaseSync(inventory)
  database.exec(`UPDATE mesh SET halted = 'a peer showed bundle 5.7'`)
  database.close()
  await assert.rejects(backUp(), { code: 'INVENTORY_OUTDATED' })

  const next = await withAuthority(config, (one) => one.continueFromHere())
  assert.deepEqual(next, { generation: 6, bundleKey: 'bundle-key-2', rootKeys: [], barred: [] })
  const [restored] = lookIn(config, (store) => store.audit(0, 1000).filter(({ deed }) => deed === 'restored'))
  assert.deepEqual(restored?.entry, { from: 1, evidence: 'a peer showed bundle 5.7', generation: 6 })
  assert.match(await applyIn(config), /^6\./)
  await backUp()
})

test('the key of a root that is offline is not in it, and that is said', async () => {
  const offline = configIn(folder, { authority: { store_ca_keys_in_clear: true, root: { offline: true } } })
  const make = () => withAuthority(offline, (authority) => authority.backup({ file, passphraseFile }))
  assert.deepEqual((await make()).withoutKeys, [])
  rmSync(offline.paths.caKey)
  assert.deepEqual((await make()).withoutKeys, ['root-1'])
})

describe('while the authority works', () => {
  test('what is issued goes on, and the backup shows one moment of it', async () => {
    const authority = await openIn(config)
    let issued = 0
    let issuing = true
    const issue = async () => {
      while (issuing) {
        await authority.issue('lake')
        issued++
      }
    }
    const work = issue()
    const before = issued
    await authority.backup({ file, passphraseFile })
    const during = issued - before
    issuing = false
    await work
    await authority.close()
    const all = lookIn(config, (store) => store.audit(0, 100_000).length)
    rmSync(layoutOf(config).authority.dir, { recursive: true })
    await restoreIn(config, file, { passphraseFile })
    assert.ok(during > 0)
    const { audit, open } = lookIn(config, (store) => ({
      audit: store.audit(0, 100_000).filter(({ deed }) => deed === 'issued' || deed === 'renewed'),
      open: store.liveCertificates(0).filter(({ profile }) => profile === 'leaf').length,
    }))
    // Every certificate with its entry, and every entry with its certificate.
    assert.equal(audit.filter(({ entry }) => entry.profile === 'leaf').length, open)
    assert.ok(audit.length < all)
  })

  test('it is asked over its socket, several times at once', async () => {
    const authority = await openIn(config)
    const { adminSocket } = layoutOf(config).authority
    const admin = await serveAdmin(authority, adminSocket)
    const remote = await connectAdmin(adminSocket, { purpose: 'backup' })
    const made = await Promise.all(
      [1, 2, 3].map((n) => remote!.backup({ file: `${file}${n}`, passphraseFile })),
    )
    assert.deepEqual(new Set(made.map(({ meshId }) => meshId)).size, 1)
    await assert.rejects(remote!.backup({ file: passphraseFile, passphraseFile }), { code: 'BACKUP_REFUSED' })
    const next = await remote!.continueFromHere()
    assert.equal(next.generation, 2)
    await admin.close()
    await authority.close()
    rmSync(layoutOf(config).authority.dir, { recursive: true })
    assert.equal((await restoreIn(config, `${file}2`, { passphraseFile })).generation, 2)
  })
})
