import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { generateKeyPair, spkiOf } from '@datapunk/pki'
import { atEnd } from '@datapunk/testkit'
import { AuthorityError } from '../error.ts'
import { Disk } from './disk.ts'
import { NextKeyFile } from './next-key.ts'
import { PairFolder } from './pair.ts'

const { privateKey, publicKey } = await generateKeyPair('ecdsa-p256')
const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string

function newFolder(t: TestContext) {
  const state = mkdtempSync(join(tmpdir(), 'next-key-'))
  atEnd(t, () => rmSync(state, { recursive: true }))
  const dir = join(state, 'instances', 'lake')
  return { state, dir, path: join(dir, 'next.pem'), file: new NextKeyFile(dir, new Disk()) }
}

test('the key lies in the folder of its instance, for its owner alone, whatever group may read the pair', (t) => {
  const { dir, path, file } = newFolder(t)
  assert.deepEqual([file.isThere, file.read()], [false, undefined])
  file.put(keyPem, { keyMode: 0o640 })
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal(statSync(dir).mode & 0o777, 0o750)
  assert.ok(file.isThere)
  assert.deepEqual(file.read(), { keyPem, spki: spkiOf(publicKey) })
  assert.deepEqual(readdirSync(join(dir, '..', '.staging')), [])
})

test('what stands in its place is replaced, and never written through', (t) => {
  const { state, dir, path, file } = newFolder(t)
  file.put('another', { keyMode: 0o600 })
  const outside = join(state, 'outside')
  writeFileSync(outside, 'theirs')
  rmSync(path)
  symlinkSync(outside, path)
  assert.equal(file.isThere, false)
  assert.throws(() => file.read(), AuthorityError)
  file.put(keyPem, { keyMode: 0o600 })
  assert.equal(readFileSync(outside, 'utf8'), 'theirs')
  assert.equal(file.read()?.keyPem, keyPem)

  rmSync(path)
  mkdirSync(path)
  assert.throws(() => file.put(keyPem, { keyMode: 0o600 }), { code: 'DISK_FAILED' })
  assert.deepEqual(readdirSync(dir), ['next.pem'])
})

test('one that others may read, or that is no key, is refused', (t) => {
  const { path, file } = newFolder(t)
  file.put(keyPem, { keyMode: 0o600 })
  chmodSync(path, 0o640)
  assert.throws(() => file.read(), { code: 'PERMISSIONS' })
  file.put('no key', { keyMode: 0o600 })
  assert.throws(() => file.read(), { code: 'KEY_INVALID' })
  file.remove()
  assert.equal(file.isThere, false)
})

test('purging the folder takes it along', (t) => {
  const { dir, file } = newFolder(t)
  file.put(keyPem, { keyMode: 0o600 })
  assert.equal(new PairFolder(dir, new Disk()).purge(), true)
  assert.equal(file.isThere, false)
})
