import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { KeyAlgorithm } from '@datapunk/pki'
import { atEnd, TestCa } from '@datapunk/testkit'
import { Disk } from './disk.ts'
import { PairFolder, type PairText } from './pair.ts'

const ca = await TestCa.create()

async function newPair(algorithm?: KeyAlgorithm): Promise<PairText> {
  const leaf = await ca.leaf('lake', algorithm && { algorithm })
  return { certificatePem: ca.chainPem(leaf), keyPem: leaf.keyPem }
}

function newFolder(t: TestContext): { instances: string; dir: string; folder: PairFolder } {
  const state = mkdtempSync(join(tmpdir(), 'pair-'))
  atEnd(t, () => rmSync(state, { recursive: true }))
  const instances = join(state, 'instances')
  const dir = join(instances, 'lake')
  return { instances, dir, folder: new PairFolder(dir, new Disk()) }
}

const modeOf = (path: string) => statSync(path).mode & 0o777
const plain = { keyMode: 0o600 }

test('there is no pair before the first swap', (t) => {
  assert.equal(newFolder(t).folder.read(), undefined)
})

test('a swap puts certificate and key where the picture says, with their modes', async (t) => {
  const { instances, dir, folder } = newFolder(t)
  const pair = await newPair()
  assert.equal(folder.swap(pair, plain), 1)
  assert.equal(readlinkSync(join(dir, 'current')), 'v1')
  assert.deepEqual(readdirSync(dir).sort(), ['current', 'v1'])
  assert.deepEqual(readdirSync(join(dir, 'v1')).sort(), ['cert.pem', 'key.pem'])
  assert.deepEqual(readdirSync(join(instances, '.staging')), [])
  assert.deepEqual(
    [instances, dir, join(dir, 'v1'), join(dir, 'v1', 'cert.pem'), join(dir, 'v1', 'key.pem')].map(modeOf),
    [0o755, 0o700, 0o700, 0o644, 0o600],
  )
  const { certificatePem, keyPem, version } = folder.read()!
  assert.deepEqual({ certificatePem, keyPem, version }, { ...pair, version: 1 })
})

test('the last two versions stay, numbers go on', async (t) => {
  const { dir, folder } = newFolder(t)
  const pair = await newPair()
  for (let version = 1; version <= 5; version++) assert.equal(folder.swap(pair, plain), version)
  assert.deepEqual(readdirSync(dir).sort(), ['current', 'v4', 'v5'])
})

test('a group may read: folder 0750, key 0640; and no more when the group is gone', async (t) => {
  const { dir, folder } = newFolder(t)
  const pair = await newPair()
  folder.swap(pair, plain)
  folder.swap(pair, { keyMode: 0o640 })
  assert.deepEqual([dir, join(dir, 'v2'), join(dir, 'v2', 'key.pem')].map(modeOf), [0o750, 0o750, 0o640])
  assert.throws(() => folder.swap(pair, plain), { code: 'PERMISSIONS', message: /chmod 0700/ })
})

test('everything a service needs is given to its owner', {
  skip: process.geteuid?.() !== 0 && 'needs root',
}, async (t) => {
  const { dir, folder } = newFolder(t)
  const owner = { uid: 1234, gid: 5678 }
  folder.swap(await newPair(), { keyMode: 0o600, owner })
  folder.swap(await newPair(), { keyMode: 0o600, owner: { uid: 1235, gid: 5678 } })
  const ownerOf = (path: string) => statSync(path).uid
  assert.deepEqual(
    [dir, join(dir, 'v2'), join(dir, 'v2/cert.pem'), join(dir, 'v2/key.pem'), join(dir, 'v1')].map(ownerOf),
    [1235, 1235, 1235, 1235, 1234],
  )
  folder.swap(await newPair(), { keyMode: 0o600 })
  assert.deepEqual([dir, join(dir, 'v3/key.pem')].map(ownerOf), [0, 0])
})

for (const algorithm of ['rsa', 'ecdsa-p256', 'ecdsa-p384', 'ed25519', 'ml-dsa-65'] as const) {
  test(`a pair of ${algorithm} is swapped and read`, async (t) => {
    const { folder } = newFolder(t)
    folder.swap(await newPair(algorithm), plain)
    assert.equal(folder.read()?.version, 1)
  })
}

test('a key of another certificate, or text that is neither, is never swapped in', async (t) => {
  const { dir, folder } = newFolder(t)
  const [one, other] = [await newPair(), await newPair()]
  folder.swap(one, plain)
  for (const pair of [
    { ...one, keyPem: other.keyPem },
    { ...one, keyPem: '' },
    { ...one, keyPem: one.certificatePem },
    { ...one, certificatePem: 'x' },
    { ...one, certificatePem: one.certificatePem.slice(0, 200) },
  ]) {
    assert.throws(() => folder.swap(pair, plain), { code: 'PAIR_INVALID' })
  }
  assert.deepEqual(readdirSync(dir).sort(), ['current', 'v1'])
})

test('a folder in which its service has put as many versions as it likes is swapped all the same', async (t) => {
  const { dir } = newFolder(t)
  // More than can be arguments of one call.
  const listed = Array.from({ length: 200_000 }, (_, index) => `v${index + 1}`)
  const readdirSync = (path: fs.PathLike) => (path === dir ? [...listed] : fs.readdirSync(path))
  const disk = new Disk({ calls: { ...fs, readdirSync: readdirSync as typeof fs.readdirSync } })
  const folder = new PairFolder(dir, disk)
  assert.equal(folder.swap(await newPair(), plain), 200_001)
  assert.equal(folder.readPrevious(), undefined)
})

test('a pair that is broken on disk is refused, and the next swap mends it', async (t) => {
  const { instances, dir, folder } = newFolder(t)
  const [one, other] = [await newPair(), await newPair()]
  new PairFolder(join(instances, 'nexus'), new Disk()).swap(other, plain)
  const faults: (() => void)[] = [
    () => unlinkSync(join(dir, 'current/key.pem')),
    () => unlinkSync(join(dir, 'current/cert.pem')),
    () => rmSync(join(dir, readlinkSync(join(dir, 'current'))), { recursive: true }),
    () => writeFileSync(join(dir, 'current/key.pem'), other.keyPem),
    () => writeFileSync(join(dir, 'current/cert.pem'), ''),
    () => {
      unlinkSync(join(dir, 'current'))
      symlinkSync('../nexus/v1', join(dir, 'current'))
    },
  ]
  for (const [index, fault] of faults.entries()) {
    folder.swap(one, plain)
    fault()
    assert.throws(() => folder.read(), { code: 'PAIR_INVALID', message: /Run mtls apply/ }, `fault ${index}`)
  }
  folder.swap(one, plain)
  assert.equal(folder.read()?.version, faults.length + 1)
})

test('the serial of a pair is asked of its files once, and again when they have changed', async (t) => {
  const { dir } = newFolder(t)
  const opened: string[] = []
  const openSync: typeof fs.openSync = (path, flags, mode) => {
    opened.push(basename(String(path)))
    return fs.openSync(path, flags, mode)
  }
  const disk = new Disk({ calls: { ...fs, openSync } })
  const folder = new PairFolder(dir, disk)
  const seen = (): [serial: string | undefined, opened: string[]] => {
    opened.length = 0
    return [folder.serial(), [...opened]]
  }
  assert.deepEqual(seen(), [undefined, []])
  const [one, two] = [await ca.leaf('lake'), await ca.leaf('lake')]
  const textOf = (leaf: typeof one) => ({ certificatePem: ca.chainPem(leaf), keyPem: leaf.keyPem })
  // Whoever has made it knows it.
  folder.swap(textOf(one), plain)
  assert.deepEqual(seen(), [one.certificate.serial, []])
  // Another authority made this one.
  new PairFolder(dir, new Disk()).swap(textOf(two), plain)
  assert.deepEqual(seen(), [two.certificate.serial, ['cert.pem', 'key.pem']])
  assert.deepEqual(seen(), [two.certificate.serial, []])
  // A key of another certificate is found out, and whoever asks again is told so again. It is longer, lest both were written
  // in the same tick of the clock.
  writeFileSync(join(dir, 'v2', 'key.pem'), `${one.keyPem}\n`)
  for (let times = 0; times < 2; times++) assert.throws(seen, { code: 'PAIR_INVALID' })
  writeFileSync(join(dir, 'v2', 'key.pem'), two.keyPem)
  assert.deepEqual(seen(), [two.certificate.serial, ['cert.pem', 'key.pem']])
  unlinkSync(join(dir, 'current'))
  assert.deepEqual(seen(), [undefined, []])
})

test('a swap that fails leaves the serial of the pair that serves on', async (t) => {
  const { dir } = newFolder(t)
  const [one, two] = [await ca.leaf('lake'), await ca.leaf('lake')]
  const textOf = (leaf: typeof one) => ({ certificatePem: ca.chainPem(leaf), keyPem: leaf.keyPem })
  let full = false
  const renameSync: typeof fs.renameSync = (from, to) => {
    if (full) throw Object.assign(new Error('no space left'), { code: 'ENOSPC', syscall: 'rename' })
    fs.renameSync(from, to)
  }
  const folder = new PairFolder(dir, new Disk({ calls: { ...fs, renameSync } }))
  folder.swap(textOf(one), plain)
  full = true
  assert.throws(() => folder.swap(textOf(two), plain), { code: 'DISK_FAILED' })
  assert.equal(folder.serial(), one.certificate.serial)
})

test('a key that others may read is refused with the chmod', async (t) => {
  const { dir, folder } = newFolder(t)
  folder.swap(await newPair(), plain)
  const path = join(dir, 'v1', 'key.pem')
  chmodSync(path, 0o644)
  assert.throws(() => folder.read(), {
    code: 'PERMISSIONS',
    message: `${path} has mode 0644, and may have 0640 at most. Run: chmod 0640 ${path}`,
  })
})

test('links that the owner of the folder puts in the way are neither followed nor entered', async (t) => {
  const { instances, dir, folder } = newFolder(t)
  const pair = await newPair()
  folder.swap(pair, plain)
  const outside = join(instances, '..', 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'key.pem'), 'theirs')
  symlinkSync(outside, join(dir, 'v2'))
  symlinkSync(outside, join(dir, 'v9'))
  assert.equal(folder.swap(pair, plain), 10)
  assert.deepEqual(readdirSync(dir).sort(), ['current', 'v1', 'v10'])
  assert.deepEqual(readdirSync(outside), ['key.pem'])
})

test('what a service puts into its versions goes with them, and what can’t go keeps no pair from coming', async (t) => {
  const { instances, dir } = newFolder(t)
  const pair = await newPair()
  let isStuck = true
  const rmdirSync: typeof fs.rmdirSync = (path) => {
    if (isStuck && basename(String(path)) === 'stuck')
      throw Object.assign(new Error('stuck'), { code: 'EBUSY', syscall: 'rmdir' })
    fs.rmdirSync(path)
  }
  const folder = new PairFolder(dir, new Disk({ calls: { ...fs, rmdirSync } }))
  folder.swap(pair, plain)
  mkdirSync(join(dir, 'v1/sub/inner'), { recursive: true })
  writeFileSync(join(dir, 'v1/sub/inner/file'), '')
  mkdirSync(join(dir, 'v1/sub/stuck'))
  for (let version = 2; version <= 5; version++) assert.equal(folder.swap(pair, plain), version)
  assert.ok(fs.existsSync(join(instances, '.staging/lake.old/sub/stuck')))
  isStuck = false
  mkdirSync(join(dir, 'v5/sub'))
  assert.equal(folder.swap(pair, plain), 6)
  assert.deepEqual(readdirSync(dir).sort(), ['current', 'v5', 'v6'])
  assert.equal(folder.purge(), true)
  assert.deepEqual(readdirSync(join(instances, '.staging')), [])
})

test('purge removes every version, and what a purge that was killed left', async (t) => {
  const { instances, dir, folder } = newFolder(t)
  assert.equal(folder.purge(), false)
  const pair = await newPair()
  folder.swap(pair, plain)
  folder.swap(pair, plain)
  mkdirSync(join(instances, '.staging', 'lake.gone'))
  writeFileSync(join(instances, '.staging', 'lake.gone', 'v7'), '')
  assert.equal(folder.purge(), true)
  assert.deepEqual(readdirSync(instances), ['.staging'])
  assert.deepEqual(readdirSync(join(instances, '.staging')), [])
  assert.equal(folder.swap(pair, plain), 1)
  assert.deepEqual(readdirSync(dir).sort(), ['current', 'v1'])
})

test('a reader in another process, as fast as it can, never sees a mismatch while pairs are swapped', async (t) => {
  const { dir, folder } = newFolder(t)
  const pairs = [await newPair(), await newPair()] as const
  folder.swap(pairs[0], plain)
  const reader = fork(new URL('../testing/pair-reader.ts', import.meta.url), [dir])
  atEnd(t, () => reader.kill())
  await once(reader, 'message')
  for (let swaps = 0; swaps < 300; swaps++) folder.swap(pairs[swaps % 2 === 0 ? 1 : 0], plain)
  reader.send('enough')
  const [{ reads, versions, failures }] = (await once(reader, 'message')) as [
    Record<string, number | string[]>,
  ]
  assert.deepEqual(failures, [])
  assert.ok((versions as number) > 1, `saw ${versions} versions in ${reads} reads`)
})
