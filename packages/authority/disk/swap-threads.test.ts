import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { atEnd, TestCa } from '@datapunk/testkit'
import { Disk } from './disk.ts'
import { PairFolder } from './pair.ts'
import { type SwapOrder, swapPair } from './swap-pair.ts'
import { withSwapThreads } from './swap-threads.ts'
import { FailingCalls } from './testing/failing-calls.ts'

const ca = await TestCa.create()
const leaf = await ca.leaf('lake')
const pair = { certificatePem: ca.chainPem(leaf), keyPem: leaf.keyPem }
const plain = { keyMode: 0o600 }

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'swap-threads-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  return folder
}

test('pairs are swapped on threads as they are here', async (t) => {
  const root = join(newFolder(t), 'instances')
  const disk = new Disk()
  const folders = Array.from({ length: 20 }, (_, index) => new PairFolder(join(root, `s${index}`), disk))
  for (const version of [1, 2, 3]) {
    const found = await withSwapThreads(disk, folders.length, (threads) =>
      Promise.all(folders.map((folder) => folder.swapOn(threads, pair, plain))),
    )
    assert.deepEqual(new Set(found), new Set([version]))
  }
  for (const [index, folder] of folders.entries()) {
    assert.deepEqual([folder.serial(), folder.read()?.version], [leaf.certificate.serial, 3])
    assert.deepEqual(readdirSync(join(root, `s${index}`)).sort(), ['current', 'v2', 'v3'])
  }
  assert.deepEqual(readdirSync(join(root, '.staging')), [])
})

test('what is refused on a thread is refused as it is here, and harms no other', async (t) => {
  const root = join(newFolder(t), 'instances')
  const disk = new Disk()
  const folder = new PairFolder(join(root, 'lake'), disk)
  folder.swap(pair, plain)
  // There is no such folder, so that the version can't be moved into it.
  const order = { dir: join(root, 'gone'), ...pair, owner: disk.self, mode: 0o700, keyMode: 0o600 }
  const [swapped, refused] = await withSwapThreads(disk, 2, (threads) =>
    Promise.allSettled([folder.swapOn(threads, pair, plain), threads.swap(order)]),
  )
  assert.deepEqual(swapped, { status: 'fulfilled', value: 2 })
  assert.ok(refused.status === 'rejected')
  const { name, code, message, data } = refused.reason
  assert.equal(code, 'DISK_FAILED')
  assert.throws(() => swapPair(disk, order), { name, code, message, data })
  assert.deepEqual(readdirSync(join(root, '.staging')), [])
})

test('a thread that dies fails what it was asked for, and whatever it is asked for later', async () => {
  const senseless = {} as SwapOrder
  await withSwapThreads(new Disk(), 1, async (threads) => {
    const [first, second] = [threads.swap(senseless), threads.swap(senseless)]
    await assert.rejects(first, { name: 'TypeError' })
    await assert.rejects(second, { name: 'TypeError' })
    await assert.rejects(threads.swap(senseless), { name: 'TypeError' })
  })
})

test('on a disk whose calls are not the system’s, pairs are swapped here', async (t) => {
  const root = join(newFolder(t), 'instances')
  const failing = new FailingCalls()
  const disk = new Disk({ calls: failing.calls })
  const folder = new PairFolder(join(root, 'lake'), disk)
  await withSwapThreads(disk, 8, (threads) => folder.swapOn(threads, pair, plain))
  assert.ok(failing.log.some((call) => call.startsWith('renameSync')))
  assert.equal(folder.read()?.version, 1)
})
