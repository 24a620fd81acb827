import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import type { Engine } from '../engine/engine.ts'
import { isGone } from '../engine/slots.ts'
import { AuthorityError } from '../error.ts'
import { passphraseIn } from '../keys/passphrase.ts'
import { rotate } from '../rotation/rotate.ts'
import { Plug, sealing, testEngine, Unplugged } from '../testing/test-engine.ts'
import { resealKeys } from './reseal-keys.ts'

const no = { approve: () => false }
const NEXT = 'another horse'

async function sealed(t: TestContext, authority: object = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'reseal-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const plug = new Plug()
  const config = { services: { lake: {} }, authority: { store_ca_keys_in_clear: false, ...authority } }
  const engine = sealing(testEngine({ dir, config, plug }))
  await apply(engine, no)
  const file = join(dir, 'next')
  writeFileSync(file, `${NEXT}\n`, { mode: 0o600 })
  return { dir, engine, plug, file, next: sealing(engine, NEXT) }
}

const keysOf = ({ store }: Engine) => store.slots().filter(({ kind }) => kind !== 'log')

/** @returns slots whose keys open */
async function opened(engine: Engine): Promise<string[]> {
  const ids: string[] = []
  for (const slot of keysOf(engine)) {
    await engine.keys.open(slot).then(
      () => ids.push(slot.id),
      (error) => assert.equal(error.code, 'PASSPHRASE_WRONG'),
    )
  }
  return ids
}

test('every key opens with the other passphrase afterwards, none with the one before, and that is on record', async (t) => {
  const { engine, file, next } = await sealed(t)
  const ids = keysOf(engine).map(({ id }) => id)
  // What lies beside the keys opened them.
  const beside = engine.layout.authority.passphrase
  writeFileSync(beside, 'test passphrase\n', { mode: 0o600 })
  assert.deepEqual(await resealKeys(engine, file), { sealed: ids, offline: [] })
  assert.equal(existsSync(beside), false)
  assert.deepEqual([await opened(sealing(engine)), await opened(next)], [[], ids])
  const rows = engine.store.audit(0, 1000).filter(({ deed }) => deed === 'key-sealed')
  assert.deepEqual(
    rows.map(({ entry }) => entry.slot),
    ids,
  )
  assert.deepEqual(await resealKeys(next, file), { sealed: ids, offline: [] }, 'the same once more')
  assert.deepEqual((await apply(next, no)).done, [])
})

for (const [change, request] of [
  ['a root was replaced', { what: 'compromised', kind: 'root' }],
  ['a root goes over', { what: 'root', without: [] }],
] as const) {
  test(`every key opens with the other passphrase also where ${change}`, async (t) => {
    const { engine, file, next } = await sealed(t)
    await rotate(engine, request)
    // A crash has ended a roll-over between making a key and putting it on record.
    const made = { id: 'issuing-ca-9', kind: 'issuing-ca' } as const
    await engine.keys.generate(made, 'ecdsa-p256')
    const slots = keysOf(engine).filter((slot) => !isGone(slot))
    const beside = engine.layout.authority.passphrase
    writeFileSync(beside, 'test passphrase\n', { mode: 0o600 })
    const report = await resealKeys(engine, file)
    assert.deepEqual([...report.sealed].sort(), [...slots.map(({ id }) => id), made.id].sort())
    assert.equal(existsSync(beside), false)
    for (const slot of slots) assert.deepEqual((await next.keys.open(slot)).spki, slot.spki)
    await next.keys.ensure(made, 'ecdsa-p256')
  })
}

test('both copies of a root’s key are sealed anew where a crash has left two', async (t) => {
  const { engine, file, next } = await sealed(t)
  await rotate(engine, { what: 'root', without: [] })
  const root = engine.store.slots().find(({ kind, state }) => kind === 'root' && state === 'active')!
  const seat = engine.keys.pathOf(root)
  const own = join(engine.layout.authority.keys, `${root.id}.key`)
  copyFileSync(seat, own)
  await resealKeys(engine, file)
  for (const gone of [own, seat]) {
    assert.deepEqual((await next.keys.open(root)).spki, root.spki)
    rmSync(gone)
  }
})

test('the passphrase beside the keys stays as long as one of them opens with neither', async (t) => {
  const { engine, dir, file } = await sealed(t)
  await rotate(engine, { what: 'compromised', kind: 'root' })
  const root = keysOf(engine).find(({ kind, state }) => kind === 'root' && state === 'active')!
  const lost = join(dir, 'lost')
  writeFileSync(lost, 'forgotten horse', { mode: 0o600 })
  await engine.keys.reseal(engine.keys.pathOf(root), passphraseIn(engine.disk, lost))
  const beside = engine.layout.authority.passphrase
  writeFileSync(beside, 'test passphrase\n', { mode: 0o600 })
  await assert.rejects(resealKeys(sealing(engine), file), { code: 'PASSPHRASE_WRONG', message: /root-2/ })
  assert.equal(existsSync(beside), true)
})

test('wherever the power is cut, the same command ends it', async (t) => {
  for (let at = 1; ; at += 3) {
    const { engine, plug, file, next } = await sealed(t)
    const ids = keysOf(engine).map(({ id }) => id)
    plug.pullAt(at)
    const ended = await resealKeys(engine, file).catch((error: unknown) => error)
    const steps = plug.steps
    plug.reset()
    await resealKeys(sealing(engine), file)
    assert.deepEqual(await opened(next), ids)
    if (steps < at) break
    assert.ok(ended instanceof Unplugged || ended instanceof AuthorityError, String(ended))
  }
})

test('with the wrong passphrase, or without another, nothing is done', async (t) => {
  const { engine, dir, file } = await sealed(t)
  const before = keysOf(engine).map((slot) => readFileSync(engine.keys.pathOf(slot), 'utf8'))
  await assert.rejects(resealKeys(sealing(engine, 'wrong'), file), { code: 'PASSPHRASE_WRONG' })
  await assert.rejects(resealKeys(engine, join(dir, 'nowhere')), { code: 'PASSPHRASE_MISSING' })
  const short = join(dir, 'short')
  writeFileSync(short, 'a horse\n\n', { mode: 0o600 })
  await assert.rejects(resealKeys(engine, short), {
    code: 'PASSPHRASE_SHORT',
    message: /passphrase of 7 octets in .*short; allowed: 8 or more/,
  })
  assert.deepEqual(
    keysOf(engine).map((slot) => readFileSync(engine.keys.pathOf(slot), 'utf8')),
    before,
  )
})

test('not while the key of a root is away, which nobody could open then', async (t) => {
  const { engine, file } = await sealed(t, { root: { offline: true } })
  const { caKey } = engine.config.paths
  renameSync(caKey, `${caKey}.away`)
  await assert.rejects(resealKeys(engine, file), { code: 'ROOT_KEY_NEEDED', message: /root-1 at .*ca\.key/ })
  renameSync(`${caKey}.away`, caKey)
  // The key of one that nobody needs any more is gone for good.
  const root = engine.store.slots().find(({ kind }) => kind === 'root')!
  const gone = {
    ...root,
    id: 'root-9',
    state: 'retired',
    spki: Buffer.from('another'),
    spkiHash: 'ab'.repeat(32),
  } as const
  await engine.store.write((transaction) => transaction.putSlot(gone))
  const report = await resealKeys(engine, file)
  assert.deepEqual([report.sealed.length, report.offline], [3, ['root-1']])
})

test('not where keys lie in clear, nor before there is a mesh', async (t) => {
  const { engine, file } = await sealed(t)
  const { authority } = engine.config
  const clear = {
    ...engine,
    config: { ...engine.config, authority: { ...authority, storeCaKeysInClear: true } },
  }
  await assert.rejects(resealKeys(clear, file), { code: 'KEY_IN_CLEAR' })
  const dir = mkdtempSync(join(tmpdir(), 'reseal-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  await assert.rejects(resealKeys(testEngine({ dir, config: { services: { lake: {} } } }), file), {
    code: 'NO_MESH',
  })
})
