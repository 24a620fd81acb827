import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import {
  chmodSync,
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
import { type TestContext, test } from 'node:test'
import { type KeyAlgorithm, keyAlgorithms, type Signer, spkiOf, verifySignature } from '@datapunk/pki'
import { atEnd, seededRandom } from '@datapunk/testkit'
import { Disk } from '../disk/disk.ts'
import { FailingCalls } from '../disk/testing/failing-calls.ts'
import type { SlotState } from '../store/rows.ts'
import { KeyStore, type KeyStoreOptions } from './key-store.ts'
import { Passphrase } from './passphrase.ts'
import type { KeySlot } from './stored-key.ts'

const root: KeySlot = { id: 'root-1', kind: 'root' }
const issuing: KeySlot = { id: 'issuing-ca-1', kind: 'issuing-ca' }
const bundle: KeySlot = { id: 'bundle-key-1', kind: 'bundle-key' }
const secret = (text: string) => () => new Passphrase(Buffer.from(text))

function newStore(t: TestContext): { folder: string; open: (change?: Partial<KeyStoreOptions>) => KeyStore } {
  const folder = mkdtempSync(join(tmpdir(), 'keys-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  const options: KeyStoreOptions = {
    disk: new Disk(),
    folder: join(folder, 'authority', 'keys'),
    rootKey: join(folder, 'certs', 'ca.key'),
    passphrase: secret('correct horse'),
    randomBytes: seededRandom('keys'),
    storeInClear: false,
    cost: { N: 2 ** 10, r: 8, p: 1 },
  }
  return { folder, open: (change) => new KeyStore({ ...options, ...change }) }
}

test('the root key lies where the config says, the others in the state folder, all 0600 and encrypted', async (t) => {
  const { folder, open } = newStore(t)
  const keys = open()
  for (const slot of [root, issuing, bundle]) {
    assert.equal(keys.has(slot), false)
    await keys.generate(slot, 'ecdsa-p256')
    assert.equal(keys.has(slot), true)
    assert.equal(statSync(keys.pathOf(slot)).mode & 0o777, 0o600)
    assert.match(readFileSync(keys.pathOf(slot), 'utf8'), /^-----BEGIN DATAPUNK ENCRYPTED KEY-----/)
  }
  assert.deepEqual(readdirSync(join(folder, 'certs')), ['ca.key'])
  assert.deepEqual(readdirSync(join(folder, 'authority', 'keys')).sort(), [
    'bundle-key-1.key',
    'issuing-ca-1.key',
  ])
  assert.equal(statSync(join(folder, 'authority', 'keys')).mode & 0o777, 0o700)
})

for (const algorithm of [
  'rsa',
  'ecdsa-p256',
  'ecdsa-p384',
  'ed25519',
  'ml-dsa-65',
] satisfies KeyAlgorithm[]) {
  test(`a key of ${algorithm} is kept, opened and signs`, async (t) => {
    const { open } = newStore(t)
    const stored = await open().generate(issuing, algorithm)
    assert.equal(stored.algorithm, algorithm)
    open().check({ ...issuing, ...stored })
    const signer = await open().open({ ...issuing, ...stored })
    assert.deepEqual(signer.spki, stored.spki)
    const message = Buffer.from('message')
    const signature = await signer.sign(message)
    const { signatureIdentifier } = keyAlgorithms[algorithm]
    assert.ok(verifySignature({ spki: stored.spki, message, signature, algorithm: signatureIdentifier }))
  })
}

test('a key is never made over another', async (t) => {
  const keys = newStore(t).open()
  await keys.generate(root, 'ed25519')
  const before = readFileSync(keys.pathOf(root))
  await assert.rejects(keys.generate(root, 'ed25519'), {
    code: 'KEY_EXISTS',
    message: /--adopt-ca, or move it away/,
  })
  assert.deepEqual(readFileSync(keys.pathOf(root)), before)
})

test('ensure takes up the key that an interrupted run has made, unless it is another’s', async (t) => {
  const { open } = newStore(t)
  const made = await open().ensure(root, 'ecdsa-p256')
  assert.deepEqual(await open().ensure(root, 'ecdsa-p256'), made)
  await assert.rejects(open().ensure(root, 'ed25519'), {
    code: 'KEY_MISMATCH',
    message: /is ecdsa-p256, not ed25519/,
  })
  await assert.rejects(open({ passphrase: secret('other') }).ensure(root, 'ecdsa-p256'), {
    code: 'PASSPHRASE_WRONG',
  })
})

test('nothing is sealed with a passphrase that opens none of the keys that are there', async (t) => {
  const { folder, open } = newStore(t)
  const mistyped = open({ passphrase: secret('corect horse') })
  const told = { code: 'PASSPHRASE_WRONG', message: /does not open the key of root-1; allowed/ }
  await open().generate(root, 'ecdsa-p256')
  // The seat is all that there is after a crash; the passphrase was asked of nobody before.
  await assert.rejects(mistyped.provePassphrase(), told)
  await assert.rejects(mistyped.generate(bundle, 'ecdsa-p256'), told)
  await assert.rejects(mistyped.ensure(bundle, 'ecdsa-p256'), told)
  assert.equal(mistyped.has(bundle), false)
  await open().generate(bundle, 'ecdsa-p256')
  rmSync(open().pathOf(root))
  const toldOfBundleKey = { ...told, message: /the key of bundle-key-1/ }
  await assert.rejects(mistyped.generate(issuing, 'ecdsa-p256'), toldOfBundleKey)
  await open().generate(issuing, 'ecdsa-p256')
  // Nobody is given a new one where one is missing.
  const asked: unknown[] = []
  const passphrase: KeyStoreOptions['passphrase'] = (options) => {
    asked.push(options?.mayMake)
    return new Passphrase(Buffer.from('correct horse'))
  }
  await open({ passphrase }).generate(root, 'ecdsa-p256')
  await open({
    passphrase,
    folder: join(folder, 'none'),
    rootKey: join(folder, 'none.key'),
  }).provePassphrase()
  assert.deepEqual(asked, [false, true])
})

test('a passphrase is proven by keys that are sealed, not by those in clear, nor by a root that gives way', async (t) => {
  const { folder, open } = newStore(t)
  const clear = open({ storeInClear: true, passphrase: () => assert.fail('asked') })
  await clear.provePassphrase()
  const [first, second] = [
    { ...root, ...(await clear.generate(root, 'ecdsa-p256')) },
    { ...bundle, ...(await clear.generate(bundle, 'ecdsa-p256')) },
  ]
  assert.equal(await open().seal(first), true)
  const other = open({ passphrase: secret('battery staple') })
  await assert.rejects(other.seal(second), { code: 'PASSPHRASE_WRONG' })
  assert.match(readFileSync(clear.pathOf(second), 'utf8'), /^-----BEGIN PRIVATE KEY-----/)
  // As in a backup of before, which is put in its place.
  const restored = { folder: join(folder, 'restored') }
  const keys = open({ ...restored, storeInClear: true })
  mkdirSync(restored.folder, { mode: 0o700 })
  writeFileSync(join(restored.folder, 'root-1.key'), readFileSync(clear.pathOf(second)), { mode: 0o600 })
  await open({ ...restored, passphrase: secret('battery staple') }).generate(bundle, 'ecdsa-p256')
  assert.equal(keys.has(bundle), true)
})

test('a passphrase is long where it is new, and one that has sealed keys goes on doing so', async (t) => {
  const { open } = newStore(t)
  const short = open({ passphrase: secret('7 octet') })
  const told = {
    code: 'PASSPHRASE_SHORT',
    message: /found a new passphrase of 7 octets; allowed: 8 or more.*openssl rand/,
  }
  await assert.rejects(short.provePassphrase(), told)
  await assert.rejects(short.generate(bundle, 'ecdsa-p256'), told)
  assert.equal(short.has(bundle), false)
  await open({ passphrase: secret('8 octets') }).generate(bundle, 'ecdsa-p256')

  await open({ passphrase: secret('8 octets') }).reseal(short.pathOf(bundle), secret('7 octet')())
  await short.generate(issuing, 'ecdsa-p256')
  await short.ensure(bundle, 'ecdsa-p256')
})

test('an adopted key is sealed with its own passphrase, however short', async (t) => {
  const { open } = newStore(t)
  const keys = open({ passphrase: secret('theirs') })
  const [cipher, passphrase] = ['aes-256-cbc', 'theirs']
  const pem = ec.privateKey.export({ type: 'pkcs8', format: 'pem', cipher, passphrase })
  const { spki } = foreign['PKCS#8']!
  await keys.import(root, Buffer.from(pem), spki)
  await keys.generate(bundle, 'ecdsa-p256')
  await assert.rejects(
    newStore(t)
      .open({ passphrase: secret('theirs') })
      .import(root, foreign['PKCS#8']!.pem, spki),
    {
      code: 'PASSPHRASE_SHORT',
    },
  )
})

test('a passphrase that opens the keys no more, because they were sealed with another, seals none', async (t) => {
  const { open } = newStore(t)
  const keys = open()
  const { spkiHash } = await keys.generate(bundle, 'ecdsa-p256')
  await keys.generate(root, 'ecdsa-p256')
  assert.deepEqual(await keys.reseal(keys.pathOf(bundle), secret('battery staple')()), {
    ...bundle,
    spkiHash,
  })
  await assert.rejects(keys.generate(issuing, 'ecdsa-p256'), { code: 'PASSPHRASE_WRONG' })
})

test('the root in use has the seat at paths.ca_key, and the one before it keeps its key elsewhere', async (t) => {
  const { open } = newStore(t)
  const keys = open()
  const first = { ...root, ...(await keys.ensure(root, 'ecdsa-p256')) }
  const seat = keys.pathOf(root)
  const next = { ...root, id: 'root-2', ...(await keys.ensure({ ...root, id: 'root-2' }, 'ecdsa-p256')) }
  assert.notEqual(keys.pathOf(next), seat)
  const states = (one: SlotState, other: SlotState) => [
    { ...first, state: one },
    { ...next, state: other },
  ]
  keys.seatRoot(states('active', 'prepared'))
  assert.equal(keys.pathOf(first), seat)
  for (const _ of ['once', 'and again']) {
    keys.seatRoot(states('retiring', 'active'))
    assert.equal(keys.pathOf(next), seat)
    for (const slot of [first, next]) {
      keys.check(slot)
      assert.deepEqual((await keys.open(slot)).spki, slot.spki)
    }
  }
  keys.discard(first)
  await assert.rejects(keys.open(first), { code: 'KEY_MISMATCH' })
  assert.deepEqual((await keys.open(next)).spki, next.spki)
})

test('a missing key is told with what to do, and not made anew', async (t) => {
  const keys = newStore(t).open()
  const known = { ...root, spkiHash: 'ab'.repeat(32) }
  const told = { code: 'KEY_MISSING', message: /never makes another in its place. Put the file back/ }
  await assert.rejects(keys.open(known), told)
  assert.throws(() => keys.check(known), told)
  assert.equal(keys.has(root), false)
})

test('a key that is not the inventory’s, or lies in the place of another, is refused', async (t) => {
  const { open } = newStore(t)
  const keys = open()
  const stored = await keys.generate(issuing, 'ed25519')
  await keys.generate(bundle, 'ed25519')
  const wrongHash = { ...issuing, spkiHash: 'ab'.repeat(32) }
  await assert.rejects(keys.open(wrongHash), { code: 'KEY_MISMATCH' })
  assert.throws(() => keys.check(wrongHash), { code: 'KEY_MISMATCH' })
  renameSync(keys.pathOf(bundle), keys.pathOf(issuing))
  await assert.rejects(keys.open({ ...issuing, ...stored }), {
    code: 'KEY_MISMATCH',
    message: /is the key of bundle-key-1/,
  })
  assert.throws(() => keys.check({ ...issuing, ...stored }), { code: 'KEY_MISMATCH' })
})

test('a wrong passphrase, and a damaged file, are told apart', async (t) => {
  const { open } = newStore(t)
  const stored = await open().generate(root, 'ed25519')
  const known = { ...root, ...stored }
  await assert.rejects(open({ passphrase: secret('wrong') }).open(known), { code: 'PASSPHRASE_WRONG' })
  const path = open().pathOf(root)
  writeFileSync(path, readFileSync(path, 'utf8').slice(0, 300))
  await assert.rejects(open().open(known), { code: 'ENVELOPE_INVALID' })
})

test('looking at a key asks for no passphrase', async (t) => {
  const { open } = newStore(t)
  const stored = await open().generate(root, 'ed25519')
  const passphrase = () => assert.fail('asked')
  open({ passphrase }).check({ ...root, ...stored })
})

test('a key file that others may read is refused with the chmod', async (t) => {
  const keys = newStore(t).open()
  const stored = await keys.generate(root, 'ed25519')
  chmodSync(keys.pathOf(root), 0o640)
  await assert.rejects(keys.open({ ...root, ...stored }), {
    code: 'PERMISSIONS',
    message: new RegExp(`Run: chmod 0600 ${keys.pathOf(root)}$`),
  })
})

test('withSigner ends with its function: the signer signs no more, even when the function threw', async (t) => {
  const keys = newStore(t).open()
  const known = { ...root, ...(await keys.generate(root, 'ed25519')) }
  const kept = await keys.withSigner(known, async (signer) => {
    assert.equal((await signer.sign(Buffer.from('a'))).length, 64)
    return signer
  })
  await assert.rejects(kept.sign(Buffer.from('a')), TypeError)
  const thrown = new Error('no')
  await assert.rejects(
    keys.withSigner(known, async () => {
      throw thrown
    }),
    (error) => error === thrown,
  )
})

test('a key that is open is opened no second time, and is closed after its first use', async (t) => {
  let asked = 0
  const used: number[] = []
  const keys = newStore(t).open({
    passphrase: () => {
      asked++
      return secret('correct horse')()
    },
    used: async (_, signatures) => void used.push(signatures),
  })
  const known = { ...root, ...(await keys.generate(root, 'ed25519')) }
  asked = 0
  const sign = (signer: Signer) => signer.sign(Buffer.from('a'))
  await keys.withSigner(known, async (outer) => {
    await sign(outer)
    await keys.withSigner(known, sign)
    rmSync(keys.pathOf(root))
    await assert.rejects(keys.withSigner(known, sign), { code: 'KEY_MISSING' })
    await sign(outer)
  })
  assert.deepEqual([asked, used], [1, [1, 2]])
  await assert.rejects(keys.open(known), { code: 'KEY_MISSING' })
})

test('a key of a CA is opened anew each time, and a bundle key once', async (t) => {
  const { open } = newStore(t)
  const [ca, signs] = [
    { ...issuing, ...(await open().generate(issuing, 'ed25519')) },
    { ...bundle, ...(await open().generate(bundle, 'ed25519')) },
  ]
  let asked = 0
  const keys = open({
    passphrase: () => {
      asked++
      return new Passphrase(Buffer.from('correct horse'))
    },
  })
  for (const slot of [ca, ca, ca]) await keys.open(slot)
  assert.equal(asked, 3)
  for (const slot of [signs, signs, signs]) await keys.open(slot)
  assert.equal(asked, 4)
  // What is kept is not what lies there any more.
  rmSync(keys.pathOf(signs))
  await assert.rejects(keys.open(signs), { code: 'KEY_MISSING' })
})

test('a seat that can’t be read is no root that is away', async (t) => {
  const keys = newStore(t).open()
  const first = { ...root, ...(await keys.generate(root, 'ed25519')) }
  const second = { ...root, id: 'root-2', spkiHash: 'ab'.repeat(32) }
  assert.deepEqual([keys.isAway(first, [first, second]), keys.isAway(second, [first, second])], [false, true])
  writeFileSync(keys.pathOf(first), 'damaged')
  assert.equal(keys.isAway(first, [first, second]), false)
  assert.throws(() => keys.check(first), { code: 'KEY_IN_CLEAR' })
  rmSync(keys.pathOf(first))
  assert.equal(keys.isAway(first, [first, second]), true)
})

test('keys in clear are stored and taken only when the config says so', async (t) => {
  const { open } = newStore(t)
  const clear = open({ storeInClear: true, passphrase: () => assert.fail('asked') })
  const known = { ...root, ...(await clear.generate(root, 'ecdsa-p256')) }
  assert.match(readFileSync(clear.pathOf(root), 'utf8'), /^-----BEGIN PRIVATE KEY-----/)
  clear.check(known)
  assert.deepEqual((await clear.open(known)).spki, known.spki)
  const told = {
    code: 'KEY_IN_CLEAR',
    message: /`mtls apply` encrypt it, or allow it in the config: authority.store_ca_keys_in_clear/,
  }
  await assert.rejects(open().open(known), told)
  assert.throws(() => open().check(known), told)
})

test('keys in clear are encrypted in their places, each once, and no others', async (t) => {
  const { open } = newStore(t)
  const clear = open({ storeInClear: true })
  const first = { ...root, ...(await clear.generate(root, 'ecdsa-p256')) }
  const [second, ca] = [{ id: 'root-2', kind: 'root' } as const, issuing]
  const next = { ...second, ...(await clear.generate(second, 'ecdsa-p256')) }
  const under = { ...ca, ...(await clear.generate(ca, 'ed25519')) }
  assert.equal(await clear.seal(first), false)
  // Its own place is empty, and the seat is another’s.
  renameSync(clear.pathOf(next), `${clear.pathOf(next)}.away`)
  assert.equal(await open().seal(next), false)
  renameSync(
    `${clear.placeOf({ ...next, state: 'prepared' })}.away`,
    clear.placeOf({ ...next, state: 'prepared' }),
  )
  for (const slot of [first, next, under]) {
    assert.equal(await open().seal(slot), true)
    assert.equal(await open().seal(slot), false)
    assert.match(readFileSync(clear.pathOf(slot), 'utf8'), /DATAPUNK ENCRYPTED KEY/)
    assert.deepEqual((await open().open(slot)).spki, slot.spki)
  }
})

test('encrypted keys go on opening when the config begins to allow clear ones', async (t) => {
  const { open } = newStore(t)
  const known = { ...root, ...(await open().generate(root, 'ed25519')) }
  assert.deepEqual((await open({ storeInClear: true }).open(known)).spki, known.spki)
})

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const foreign: Readonly<Record<string, { pem: Uint8Array; spki: Uint8Array }>> = {
  'PKCS#8': {
    pem: Buffer.from(ec.privateKey.export({ type: 'pkcs8', format: 'pem' })),
    spki: spkiOf(ec.publicKey),
  },
  'EC PRIVATE KEY': {
    pem: Buffer.from(ec.privateKey.export({ type: 'sec1', format: 'pem' })),
    spki: spkiOf(ec.publicKey),
  },
  'RSA PRIVATE KEY': {
    pem: Buffer.from(rsa.privateKey.export({ type: 'pkcs1', format: 'pem' })),
    spki: spkiOf(rsa.publicKey),
  },
  'encrypted PKCS#8': {
    pem: Buffer.from(
      rsa.privateKey.export({
        ...{ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'correct horse' },
      }),
    ),
    spki: spkiOf(rsa.publicKey),
  },
}

for (const [form, { pem, spki }] of Object.entries(foreign)) {
  test(`an existing key is taken over and encrypted: ${form}`, async (t) => {
    const { open } = newStore(t)
    const keys = open()
    const stored = await keys.import(root, pem, spki)
    assert.deepEqual(stored.spki, spki)
    assert.match(readFileSync(keys.pathOf(root), 'utf8'), /DATAPUNK ENCRYPTED KEY/)
    assert.deepEqual((await open().open({ ...root, ...stored })).spki, spki)
  })
}

test('a key that lies in clear in its own place is encrypted there; another one is never replaced', async (t) => {
  const { folder, open } = newStore(t)
  const keys = open()
  const { pem, spki } = foreign['PKCS#8']!
  new Disk().ensureFolder(join(folder, 'certs'), 0o755)
  new Disk().writeFileAtomic(keys.pathOf(root), foreign['RSA PRIVATE KEY']!.pem, { mode: 0o600 })
  await assert.rejects(keys.import(root, pem, spki), { code: 'KEY_EXISTS' })
  new Disk().writeFileAtomic(keys.pathOf(root), pem, { mode: 0o600 })
  const stored = await keys.import(root, pem, spki)
  assert.deepEqual(await keys.import(root, pem, spki), stored)
  // A crash may come before anybody has put down that it was sealed.
  const sealed = readFileSync(keys.pathOf(root))
  assert.deepEqual(await open().import(root, sealed, spki), stored)
  const wrong = open({ passphrase: secret('battery staple') })
  await assert.rejects(wrong.import(root, sealed, spki), { code: 'PASSPHRASE_WRONG' })
  assert.match(readFileSync(keys.pathOf(root), 'utf8'), /DATAPUNK ENCRYPTED KEY/)
})

test('a key that can’t be taken over is refused, and nothing is written', async (t) => {
  const { open } = newStore(t)
  const [keys, wrong] = [open(), open({ passphrase: secret('battery staple') })]
  const { pem, spki } = foreign['PKCS#8']!
  const encrypted = foreign['encrypted PKCS#8']!
  const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' })
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const exported = (key: KeyObject) => Buffer.from(key.export({ type: 'pkcs8', format: 'pem' }))
  const cases: [string, () => Promise<unknown>][] = [
    ['KEY_MISMATCH', () => keys.import(root, pem, encrypted.spki)],
    ['PASSPHRASE_WRONG', () => wrong.import(root, encrypted.pem, encrypted.spki)],
    ['KEY_INVALID', () => keys.import(root, Buffer.from('nonsense'), spki)],
    ['KEY_INVALID', () => keys.import(root, pem.subarray(0, 80), spki)],
    ['KEY_INVALID', () => keys.import(root, exported(p521.privateKey), spki)],
    ['KEY_INVALID', () => keys.import(root, exported(weak.privateKey), spki)],
  ]
  for (const [code, attempt] of cases) await assert.rejects(attempt(), { code }, code)
  assert.equal(keys.has(root), false)
})

test('when the disk fails while a key is stored, there is no key, and the next run makes one', async (t) => {
  for (let n = 1; ; n++) {
    const { open } = newStore(t)
    const { calls, log } = new FailingCalls({ failAt: n, failure: 'ENOSPC' })
    const made = await open({ disk: new Disk({ calls }) })
      .generate(issuing, 'ed25519')
      .catch((error) => {
        assert.equal(error.code, 'DISK_FAILED')
        return undefined
      })
    if (log.length < n) break
    const ensured = await open().ensure(issuing, 'ed25519')
    if (made !== undefined) assert.deepEqual(ensured, made)
  }
})
