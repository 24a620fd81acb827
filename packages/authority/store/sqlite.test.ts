import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type DatabaseSyncOptions } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { atEnd } from '@datapunk/testkit'
import { CompactTree } from '@datapunk/tlog'
import { AuthorityError } from '../error.ts'
import { auditLeaf } from './audit-leaf.ts'
import type { Transaction } from './contract.ts'
import type { ServiceRow } from './rows.ts'
import { migrate, migrations } from './schema.ts'
import { SqliteStore } from './sqlite.ts'

const row: ServiceRow = {
  service: 'lake',
  spiffeId: 'spiffe://d/lake',
  state: 'member',
  settings: '{}',
  since: 1,
  barredAt: undefined,
}

function newFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'inventory-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  return join(folder, 'authority', 'inventory.db')
}

/** A store whose connection the test may tamper with. */
function openBare(file: string): { store: SqliteStore; database: DatabaseSync } {
  let database: DatabaseSync | undefined
  const store = SqliteStore.open({
    file,
    connect(path, options) {
      database = new DatabaseSync(path, options)
      return database
    },
  })
  return { store, database: database! }
}

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0]
}

function versionOf(file: string): unknown {
  const database = new DatabaseSync(file, { readOnly: true })
  const version = pragma(database, 'user_version')
  database.close()
  return version
}

const large = (transaction: Transaction, service: string) =>
  transaction.putService({ ...row, service, settings: JSON.stringify('x'.repeat(20_000)) })

test('file and folder are for the authority alone, and so are those SQLite puts beside', async (t) => {
  const file = newFile(t)
  const store = SqliteStore.open({ file })
  await store.write((transaction) => transaction.putService(row))
  for (const name of readdirSync(join(file, '..'))) {
    assert.equal(statSync(join(file, '..', name)).mode & 0o777, 0o600, name)
  }
  assert.equal(statSync(join(file, '..')).mode & 0o777, 0o700)
  store.close()
})

test('a looser file or folder is refused with the chmod that mends it', (t) => {
  const file = newFile(t)
  SqliteStore.open({ file }).close()
  chmodSync(file, 0o640)
  assert.throws(() => SqliteStore.open({ file }), {
    code: 'PERMISSIONS',
    message: `${file} has mode 0640, and may have 0600 at most. Run: chmod 0600 ${file}`,
  })
  chmodSync(file, 0o600)
  const folder = join(file, '..')
  chmodSync(folder, 0o750)
  assert.throws(() => SqliteStore.open({ file }), {
    code: 'PERMISSIONS',
    data: { path: folder, found: 0o750, allowed: 0o700 },
  })
})

test('every commit is synced before it is reported', (t) => {
  const { store, database } = openBare(newFile(t))
  assert.equal(pragma(database, 'journal_mode'), 'wal')
  assert.equal(pragma(database, 'synchronous'), 2)
  assert.equal(pragma(database, 'foreign_keys'), 1)
  store.close()
})

test('needs no folder for temporary files', (t) => {
  const { store, database } = openBare(newFile(t))
  // 2: MEMORY (https://www.sqlite.org/pragma.html#pragma_temp_store).
  assert.equal(pragma(database, 'temp_store'), 2)
  store.close()
})

test('writes of one turn share one commit', async (t) => {
  const file = newFile(t)
  const store = SqliteStore.open({ file })
  const observer = new DatabaseSync(file, { readOnly: true })
  // data_version changes, for another connection, once per commit (https://www.sqlite.org/pragma.html).
  const seen = new Set<unknown>()
  const look = () => seen.add(pragma(observer, 'data_version'))
  look()
  await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      store.write((transaction) => transaction.putService({ ...row, service: `s${index}` })).then(look),
    ),
  )
  assert.equal(seen.size, 2)
  assert.equal(store.services().length, 50)
  observer.close()
  store.close()
})

test('while another program writes, writes wait for it together, and the process goes on', async (t) => {
  const file = newFile(t)
  const store = SqliteStore.open({ file })
  const other = new DatabaseSync(file)
  const put = (service: string) => store.write((transaction) => transaction.putService({ ...row, service }))
  other.exec('BEGIN IMMEDIATE')
  const first = put('a')
  await nextTurn()
  const second = put('b')
  assert.deepEqual(store.services(), [])
  other.exec('COMMIT')
  const before = pragma(other, 'data_version') as number
  await Promise.all([first, second])
  assert.equal(pragma(other, 'data_version'), before + 1)
  other.exec('BEGIN IMMEDIATE')
  const third = put('c')
  await nextTurn()
  store.close()
  await assert.rejects(third, { code: 'STORE_FAILED', message: /locked.*Another program holds it/ })
  other.close()
})

test('a full disk rejects the writes of that commit, changes nothing, and the store goes on', async (t) => {
  const file = newFile(t)
  const { store, database } = openBare(file)
  const observer = SqliteStore.open({ file, readOnly: true })
  await store.write((transaction) => transaction.putService(row))
  // What a full disk does to SQLite, without filling one: no page more than there are.
  database.exec('PRAGMA max_page_count = 1')
  const outcomes = await Promise.allSettled(
    ['a', 'b', 'c'].map((service) => store.write((transaction) => large(transaction, service))),
  )
  for (const outcome of outcomes) {
    assert.equal(outcome.status, 'rejected')
    assert.ok(outcome.reason instanceof AuthorityError)
    assert.equal(outcome.reason.code, 'STORE_FAILED')
    assert.match(outcome.reason.message, /full.*Free space/)
  }
  assert.deepEqual(store.services(), [row])
  assert.match(store.failure?.message ?? '', /full.*Free space/)
  database.exec('PRAGMA max_page_count = 1073741823')
  // What shows that it can be written again writes something, whatever the work does.
  const { others } = observer.commits
  await store.write(() => {})
  assert.equal(store.failure, undefined)
  assert.notEqual(observer.commits.others, others)
  await store.write((transaction) => large(transaction, 'd'))
  assert.deepEqual(
    store.services().map(({ service }) => service),
    ['d', 'lake'],
  )
  observer.close()
  store.close()
})

test('a COMMIT that fails rejects every write of it, and the store goes on', async (t) => {
  const { store, database } = openBare(newFile(t))
  const write = (service: string, extra: () => void = () => {}) =>
    store.write((transaction) => {
      transaction.putService({ ...row, service })
      extra()
    })
  const outcomes = await Promise.allSettled([
    write('a'),
    write('b', () => {
      // A deferred foreign key is checked by COMMIT itself: the one way to make exactly that statement fail.
      database.exec('PRAGMA defer_foreign_keys = ON')
      database.exec("INSERT INTO instance VALUES ('x', 'nobody', 'here', 1, 0)")
    }),
    write('c', () => {
      throw new Error('c')
    }),
  ])
  const reasons = outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason)
  assert.deepEqual(
    reasons.map(({ code, message }) => code ?? message),
    ['STORE_FAILED', 'STORE_FAILED', 'c'],
  )
  assert.match(reasons[0].message, /FOREIGN KEY.*This should not happen; please report it$/)
  assert.deepEqual(store.services(), [])
  await write('d')
  assert.equal(store.services().length, 1)
  store.close()
})

test('nothing that was recorded for good can be changed, not even by hand', async (t) => {
  const { store, database } = openBare(newFile(t))
  await store.write((transaction) => {
    transaction.putSlot({
      id: 'root-1',
      kind: 'root',
      state: 'active',
      algorithm: 'ed25519',
      spkiHash: 'aa',
      spki: Uint8Array.of(1),
      certificate: undefined,
      since: 1,
      leftOut: [],
    })
    transaction.recordIntent({
      serial: '01',
      profile: 'root',
      slot: 'root-1',
      spkiHash: 'aa',
      instance: undefined,
      notBefore: 1,
      notAfter: 2,
      tbsHash: 'bb',
      request: '{}',
      intendedAt: 1,
    })
    transaction.addAudit({ at: 1, actor: 'apply', deed: 'mesh-created', entry: {} })
    transaction.addBundle(
      { generation: 1, counter: 1, head: Uint8Array.of(1), issuedAt: 1, expiresAt: 2 },
      new Map(),
    )
    transaction.addAuditCheckpoint({ generation: 1, counter: 1, size: 1, root: new Uint8Array(32) })
  })
  for (const statement of [
    'DELETE FROM audit',
    "UPDATE audit SET actor = 'nobody'",
    'DELETE FROM audit_checkpoint',
    'UPDATE audit_checkpoint SET size = 7',
    'DELETE FROM certificate',
    "UPDATE certificate SET serial = '02'",
    "UPDATE certificate SET state = 'issued'",
  ]) {
    assert.throws(() => database.exec(statement), /stays|never|CHECK/, statement)
  }
  store.close()
})

test('what was written is there when it is opened again', async (t) => {
  const file = newFile(t)
  const store = SqliteStore.open({ file })
  await store.write((transaction) => transaction.putService(row))
  store.close()
  const again = SqliteStore.open({ file })
  assert.deepEqual(again.services(), [row])
  again.close()
})

test('a reader of another process sees commits, refuses to write, and makes no file', async (t) => {
  const file = newFile(t)
  assert.throws(() => SqliteStore.open({ file, readOnly: true }), { code: 'DISK_FAILED' })
  assert.equal(existsSync(file), false)
  const store = SqliteStore.open({ file })
  const reader = SqliteStore.open({ file, readOnly: true })
  await store.write((transaction) => transaction.putService(row))
  assert.deepEqual(reader.services(), [row])
  assert.throws(() => reader.write(() => {}), TypeError)
  reader.close()
  store.close()
})

test('newer code migrates an older inventory, and keeps a backup of what it was', async (t) => {
  const file = newFile(t)
  const older = SqliteStore.open({ file })
  await older.write((transaction) => transaction.putService(row))
  older.close()
  const steps = [...migrations, "ALTER TABLE service ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue'"]
  const newer = SqliteStore.open({ file, steps })
  assert.deepEqual(newer.services(), [row])
  assert.equal(versionOf(file), steps.length)
  newer.close()

  const backup = `${file}.schema-${migrations.length}`
  assert.equal(statSync(backup).mode & 0o777, 0o600)
  const restored = SqliteStore.open({ file: backup })
  assert.deepEqual(restored.services(), [row])
  restored.close()
})

/** @param schema its version @param rows SQL that fills it @returns its path */
function olderInventory(t: TestContext, schema: number, rows: string): string {
  const file = newFile(t)
  // Its folder has to be there, and nobody else's.
  SqliteStore.open({ file }).close()
  rmSync(file)
  const older = new DatabaseSync(file)
  migrate(older, 0, migrations.slice(0, schema))
  older.exec(rows)
  older.close()
  chmodSync(file, 0o600)
  return file
}

test('revocations of an older inventory are numbered as they came, and its lists are made anew', (t) => {
  const file = olderInventory(
    t,
    3,
    `
    INSERT INTO slot VALUES ('ca', 'issuing-ca', 'active', 'ed25519', 'aa', x'01', NULL, 1, '[]');
    INSERT INTO certificate VALUES (1, '01', 'leaf', 'ca', 'bb', NULL, 1, 9, 'cc', '{}', 1, 'issued', x'07'),
      (2, '02', 'leaf', 'ca', 'bb', NULL, 1, 9, 'cc', '{}', 1, 'issued', x'07'),
      (3, '03', 'leaf', 'ca', 'bb', NULL, 1, 9, 'cc', '{}', 1, 'issued', x'07');
    INSERT INTO revocation VALUES (1, 'ca', 'superseded', 5), (3, 'ca', 'unspecified', 4);
    INSERT INTO list VALUES ('ca', '', 7, 1000, 2000, 2, x'30');
  `,
  )
  const store = SqliteStore.open({ file })
  const revoked = [...store.revoked({ number: 0, time: 0 })].map(({ number, serial }) => [number, serial])
  assert.deepEqual(revoked, [
    [1, '03'],
    [2, '01'],
  ])
  assert.deepEqual(
    store.liveCertificates(0).map(({ serial }) => serial),
    ['02'],
  )
  const list = store.list('ca', '')
  assert.deepEqual([list?.number, list?.base, list?.der], [7, undefined, Uint8Array.of(0x30)])
  assert.ok(list!.revocations < store.lastRevocationOf('ca'))
  store.close()
})

test('keys that an older inventory has revoked certificates of as stolen are compromised, for good', async (t) => {
  const file = olderInventory(
    t,
    9,
    `
    INSERT INTO slot (id, kind, state, algorithm, spki_hash, spki, since)
      VALUES ('ca', 'issuing-ca', 'active', 'ed25519', 'ff', x'01', 1);
    INSERT INTO certificate (number, serial, profile, slot, spki_hash, not_before, not_after, tbs_hash, request, intended_at, state)
      VALUES (1, '01', 'leaf', 'ca', 'aa', 1, 9, 'cc', '{}', 1, 'intended'), (2, '02', 'leaf', 'ca', 'aa', 1, 9, 'cc', '{}', 1, 'intended'),
      (3, '03', 'leaf', 'ca', 'bb', 1, 9, 'cc', '{}', 1, 'intended'), (4, '04', 'leaf', 'ca', 'dd', 1, 9, 'cc', '{}', 1, 'intended');
    INSERT INTO revocation VALUES (1, 1, 'ca', 'key-compromise', 5), (2, 2, 'ca', 'key-compromise', 4), (3, 3, 'ca', 'superseded', 5);
    UPDATE certificate SET revocation = number WHERE number < 4;
  `,
  )
  const { store, database } = openBare(file)
  assert.deepEqual(
    ['aa', 'bb', 'dd'].map((key) => store.isKeyCompromised(key)),
    [true, false, false],
  )
  for (const change of ['DELETE FROM compromised_key', 'UPDATE compromised_key SET at = 1'])
    assert.throws(() => database.exec(change), /never certified again/)
  assert.equal(
    await store.write((transaction) => transaction.addCompromisedKey({ spkiHash: 'aa', at: 9 })),
    false,
  )
  store.close()
})

test('an older inventory says of a renewal that is held which certificate it is', async (t) => {
  const file = olderInventory(
    t,
    7,
    `
    INSERT INTO slot (id, kind, state, algorithm, spki_hash, spki, since)
      VALUES ('ca', 'issuing-ca', 'active', 'ed25519', 'aa', x'01', 1);
    INSERT INTO service VALUES ('lake', 'spiffe://d/lake', 'member', '{}', 1, NULL);
    INSERT INTO instance VALUES ('lake', 'lake', 'here', 1, 1), ('lake-2', 'lake', 'here', 1, 0), ('lake-3', 'lake', 'here', 1, 1);
    INSERT INTO certificate (number, serial, profile, slot, spki_hash, instance, not_before, not_after, tbs_hash, request,
      intended_at, state, der) VALUES (1, '01', 'leaf', 'ca', 'bb', 'lake', 1, 9, 'cc', '{}', 1, 'issued', x'07'),
      (2, '02', 'leaf', 'ca', 'bb', 'lake-2', 1, 9, 'cc', '{}', 1, 'issued', x'07');
    INSERT INTO current_certificate VALUES ('lake', 1), ('lake-2', 2);
  `,
  )
  const store = SqliteStore.open({ file })
  assert.deepEqual(
    store.instances().map(({ id, held }) => [id, held]),
    [
      ['lake', '01'],
      ['lake-2', undefined],
      ['lake-3', undefined],
    ],
  )
  assert.deepEqual(
    store.terms().map(({ instance, held }) => [instance, held]),
    [
      ['lake', true],
      ['lake-2', false],
    ],
  )
  store.close()
})

test('the audit of an older inventory becomes a tree, and goes on', async (t) => {
  const file = olderInventory(
    t,
    4,
    `
    INSERT INTO audit (at, actor, deed, entry) VALUES (1, 'apply', 'mesh-created', '{}'), (2, 'up', 'issued', '{"serial":"01"}');
  `,
  )
  const store = SqliteStore.open({ file })
  assert.equal(store.auditTree().size, 2)
  await store.write((transaction) =>
    transaction.addAudit({ at: 3, actor: 'up', deed: 'bundle-published', entry: {} }),
  )
  const tree = new CompactTree()
  for (const { leaf, ...record } of store.auditRecords(0)) {
    assert.equal(leaf, Buffer.from(auditLeaf(record)).toString('hex'))
    tree.append(Buffer.from(leaf, 'hex'))
  }
  assert.deepEqual(
    store.audit(0, 9).map(({ number, deed }) => [number, deed]),
    [
      [1, 'mesh-created'],
      [2, 'issued'],
      [3, 'bundle-published'],
    ],
  )
  assert.deepEqual(store.auditTree(), { size: 3, root: tree.root() })
  store.close()
})

test('an older inventory says how long the bundles live that its peers have', (t) => {
  const file = olderInventory(
    t,
    7,
    `
    INSERT INTO mesh (one, mesh_id, trust_domain, environment, generation, created_at) VALUES (1, 'aa', 'service.test', '', 1, 1);
    INSERT INTO bundle VALUES (1, 1, x'01', 10, 40), (1, 2, x'01', 12, 42), (1, 3, x'01', 13, 20);
  `,
  )
  const store = SqliteStore.open({ file })
  assert.deepEqual(store.mesh()?.bundleTerms, [
    { memory: 30, until: 42 },
    { memory: 7, until: 20 },
  ])
  store.close()
})

test('an audit entry written by hand stops whatever would be recorded over it', async (t) => {
  const { store, database } = openBare(newFile(t))
  const add = () =>
    store.write((transaction) =>
      transaction.addAudit({ at: 1, actor: 'up', deed: 'bundle-published', entry: {} }),
    )
  await add()
  database.exec("INSERT INTO audit VALUES (2, 1, 'up', 'issued', '{}', x'00')")
  await assert.rejects(add(), { code: 'AUDIT_CHANGED', message: /entry 2/ })
  assert.equal(store.auditTree().size, 1)
  store.close()
})

test('an audit whose edge was changed by hand is added to no more, and not read as if it were good', async (t) => {
  for (const change of ["UPDATE audit_edge SET edge = x'00'", 'DELETE FROM audit_edge']) {
    const { store, database } = openBare(newFile(t))
    database.exec(change)
    const add = store.write((transaction) =>
      transaction.addAudit({ at: 1, actor: 'up', deed: 'bundle-published', entry: {} }),
    )
    await assert.rejects(add, { code: 'AUDIT_CHANGED' })
    assert.throws(() => store.auditTree(), { code: 'AUDIT_CHANGED' })
    assert.deepEqual(store.audit(0, 9), [])
    store.close()
  }
})

test('a migration that fails leaves the inventory as it was', async (t) => {
  const file = newFile(t)
  SqliteStore.open({ file }).close()
  const steps = [...migrations, 'CREATE TABLE half (id TEXT) STRICT', 'NONSENSE']
  for (let attempt = 0; attempt < 2; attempt++) {
    assert.throws(() => SqliteStore.open({ file, steps }), { code: 'STORE_FAILED' })
  }
  assert.equal(versionOf(file), migrations.length)
  const { store, database } = openBare(file)
  database.exec('CREATE TABLE half (id TEXT) STRICT')
  store.close()
})

test('older code refuses a newer inventory, a reader an older one', (t) => {
  const file = newFile(t)
  const steps = [...migrations, 'CREATE TABLE new (id TEXT) STRICT']
  SqliteStore.open({ file, steps }).close()
  const found = { file, found: steps.length, allowed: migrations.length }
  for (const readOnly of [false, true]) {
    assert.throws(() => SqliteStore.open({ file, readOnly }), {
      code: 'SCHEMA_TOO_NEW',
      // Not to be put in its place: the log beside it belongs to the newer one.
      message:
        /Run the newer mtls that wrote it, or `mtls restore FILE --replace` with a backup that this version made$/,
      data: found,
    })
  }
  const newest = [...steps, 'CREATE TABLE newest (id TEXT) STRICT']
  assert.throws(() => SqliteStore.open({ file, readOnly: true, steps: newest }), {
    code: 'SCHEMA_TOO_OLD',
    message: /Run mtls apply once, or restart `mtls up` where one runs/,
  })
})

test('a file that another program holds, or that can’t be opened, is no reason for a backup', (t) => {
  const file = newFile(t)
  SqliteStore.open({ file }).close()
  const other = new DatabaseSync(file)
  other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT')
  const connect = (path: string, options: DatabaseSyncOptions) =>
    new DatabaseSync(path, { ...options, timeout: 0 })
  assert.throws(() => SqliteStore.open({ file, connect }), {
    code: 'STORE_FAILED',
    message: `the inventory ${file} can't be opened (database is locked). Nothing was changed. Another program holds it: end that one, then run the command again`,
  })
  other.close()
  const elsewhere = (path: string) => new DatabaseSync(join(path, 'nowhere'))
  assert.throws(() => SqliteStore.open({ file, connect: elsewhere }), {
    code: 'STORE_FAILED',
    message: /unable to open.*ulimit -n/,
  })
})

test('a file that is damaged inside is told of by whoever reads there, with what mends it', async (t) => {
  const file = newFile(t)
  const store = SqliteStore.open({ file })
  await store.write((transaction) => {
    for (let n = 0; n < 50; n++) large(transaction, `s${n}`)
    transaction.addAudit({ at: 1, actor: 'up', deed: 'bundle-published', entry: {} })
  })
  store.close()
  const whole = readFileSync(file)
  const pageSize = whole.readUInt16BE(16)
  // Once it is open, its first page is whole and those behind it are not; or nothing of it is.
  for (const from of [pageSize, 0]) {
    writeFileSync(file, whole)
    const opened = SqliteStore.open({ file, readOnly: true })
    writeFileSync(file, Buffer.from(whole).fill(0xff, from))
    const reads = [
      () => opened.services(),
      () => opened.certificate('01'),
      () => [...opened.revoked({ number: 0, time: 0 })],
      () => [...opened.auditRecords(0)],
      () => opened.auditTree(),
    ]
    for (const read of reads) {
      assert.throws(read, {
        code: 'STORE_FAILED',
        message: /can't be read.*`mtls restore FILE --replace`/,
      })
    }
    opened.close()
  }
})

test('text that is no JSON any more is damage too', async (t) => {
  const { store, database } = openBare(newFile(t))
  await store.write((transaction) =>
    transaction.addAudit({ at: 1, actor: 'up', deed: 'bundle-published', entry: {} }),
  )
  database.exec("DROP TRIGGER audit_keeps; UPDATE audit SET entry = '{'")
  assert.throws(() => store.audit(0, 1), { code: 'STORE_FAILED', message: /mtls restore FILE/ })
  store.close()
})

test('an empty file is an inventory with nothing in it, for whoever looks too', (t) => {
  const file = newFile(t)
  SqliteStore.open({ file }).close()
  writeFileSync(file, '')
  const reader = SqliteStore.open({ file, readOnly: true })
  assert.equal(reader.mesh(), undefined)
  assert.deepEqual(reader.slots(), [])
  reader.close()
  assert.equal(readFileSync(file).length, 0)
})

test('a damaged file, or the database of another program, is refused and left alone', (t) => {
  const file = newFile(t)
  SqliteStore.open({ file }).close()
  writeFileSync(file, 'x'.repeat(4096))
  assert.throws(() => SqliteStore.open({ file }), { code: 'STORE_FAILED', message: /Put back a backup/ })
  rmSync(file)
  const other = new DatabaseSync(file)
  other.exec('CREATE TABLE theirs (id TEXT)')
  other.close()
  chmodSync(file, 0o600)
  assert.throws(() => SqliteStore.open({ file }), { code: 'STORE_FAILED', message: /another program/ })
})
