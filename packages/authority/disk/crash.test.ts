import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { atEnd, TestCa } from '@datapunk/testkit'
import { AuthorityError } from '../error.ts'
import type { SwapperOrder } from '../testing/pair-swapper.ts'
import { Disk } from './disk.ts'
import { PairFolder, type PairText } from './pair.ts'
import { FailingCalls, type Failure } from './testing/failing-calls.ts'
import { SyncedCalls } from './testing/synced-calls.ts'

const refusals: readonly Failure[] = ['ENOSPC', 'EROFS', 'EACCES', 'EIO']
const ca = await TestCa.create()
const [old, next, third] = [await newPair(), await newPair(), await newPair()]

async function newPair(): Promise<PairText> {
  const leaf = await ca.leaf('lake')
  return { certificatePem: ca.chainPem(leaf), keyPem: leaf.keyPem }
}

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'crash-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  return folder
}

/** Runs `act` with the n-th call failing, for every n that it makes. */
async function atEveryCall(
  failure: Failure,
  act: (calls: FailingCalls, n: number) => void | Promise<void>,
): Promise<void> {
  for (let n = 1; ; n++) {
    const failing = new FailingCalls({ failAt: n, failure })
    await act(failing, n)
    if (failing.log.length < n) {
      assert.ok(n > 5, 'nothing was tried')
      return
    }
  }
}

/** Whether it threw; what it threw is one of ours, or the power cut itself. */
async function survives(act: () => unknown): Promise<boolean> {
  try {
    await act()
    return true
  } catch (error) {
    if (error instanceof AuthorityError) assert.equal(error.code, 'DISK_FAILED')
    else assert.equal((error as Error).name, 'PowerCut')
    return false
  }
}

const plain = { keyMode: 0o600 }

for (const failure of ['power-cut', ...refusals] as const) {
  test(`writeFileAtomic, ${failure} at every call: the old file or the new one, and no litter after the next`, async (t) => {
    const folder = newFolder(t)
    const path = join(folder, 'name')
    await atEveryCall(failure, async ({ calls, log }, n) => {
      new Disk().writeFileAtomic(path, 'old', { mode: 0o600 })
      const done = await survives(() => new Disk({ calls }).writeFileAtomic(path, 'new', { mode: 0o600 }))
      const found = readFileSync(path, 'utf8')
      assert.ok(found === 'new' || (found === 'old' && !done), `call ${n}, ${log.at(-1)}: found ${found}`)
      if (failure !== 'power-cut') assert.deepEqual(readdirSync(folder), ['name'], `call ${n}, ${log.at(-1)}`)
      new Disk().writeFileAtomic(path, 'next', { mode: 0o600 })
      assert.deepEqual([readFileSync(path, 'utf8'), readdirSync(folder)], ['next', ['name']])
    })
  })

  test(`first swap of an instance, ${failure} at every call: no pair or the whole one, and the next succeeds`, async (t) => {
    const root = newFolder(t)
    await atEveryCall(failure, async ({ calls, log }, n) => {
      const dir = join(root, String(n), 'instances', 'lake')
      const done = await survives(() => new PairFolder(dir, new Disk({ calls })).swap(next, plain))
      const folder = new PairFolder(dir, new Disk())
      const found = folder.read()?.keyPem
      assert.ok(found === next.keyPem || (found === undefined && !done), `call ${n}, ${log.at(-1)}`)
      folder.swap(third, plain)
      assert.equal(folder.read()?.keyPem, third.keyPem)
      assertNoLitter(dir, found === undefined ? 1 : 2)
    })
  })

  test(`swap of a pair, ${failure} at every call: the old pair or the new one, whole, and no litter after the next`, async (t) => {
    const root = newFolder(t)
    // Three versions deep, so that a swap has something to remove.
    const template = join(root, 'template', 'lake')
    for (let swaps = 0; swaps < 3; swaps++) new PairFolder(template, new Disk()).swap(old, plain)
    const numbers = new Set<number>()
    await atEveryCall(failure, async ({ calls, log }, n) => {
      const instances = join(root, String(n))
      const dir = join(instances, 'lake')
      cpSync(join(root, 'template'), instances, { recursive: true, verbatimSymlinks: true })
      const done = await survives(() => new PairFolder(dir, new Disk({ calls })).swap(next, plain))
      const folder = new PairFolder(dir, new Disk())
      const found = folder.read()!
      const isNew = found.keyPem === next.keyPem && found.certificatePem === next.certificatePem
      const isOld = found.keyPem === old.keyPem && found.certificatePem === old.certificatePem
      assert.ok(isNew || (isOld && !done), `call ${n}, ${log.at(-1)}`)
      if (failure !== 'power-cut' && !isNew) {
        assert.deepEqual(readdirSync(dir).sort(), ['current', 'v2', 'v3'], `call ${n}, ${log.at(-1)}`)
      }
      const version = folder.swap(third, plain)
      assert.ok(version > found.version)
      numbers.add(version)
      assert.equal(folder.read()?.keyPem, third.keyPem)
      assertNoLitter(dir, 2)
    })
    assert.ok(numbers.has(4) && numbers.has(5))
  })
}

test('nothing is pointed to before it is on disk', (t) => {
  const dir = join(newFolder(t), 'instances', 'lake')
  for (let swaps = 0; swaps < 3; swaps++) {
    const synced = new SyncedCalls()
    new PairFolder(dir, new Disk({ calls: synced.calls })).swap(next, plain)
    const [moved, turned] = ['moved', 'turned'].map((what) => synced.steps.indexOf(what))
    const before = (step: number) => new Set(synced.steps.slice(0, step))
    for (const path of ['lake.new/cert.pem', 'lake.new/key.pem', 'lake.new']) {
      assert.ok(before(moved!).has(`synced .staging/${path}`), path)
    }
    assert.ok(
      synced.steps.slice(moved, turned).includes('synced lake'),
      'the move, before the link is turned',
    )
    assert.ok(synced.steps.slice(turned).includes('synced lake'), 'the link, before it is told')
  }
})

test('many swaps beside each other on threads, killed at any moment: each has a whole pair, and the next leaves no litter', async (t) => {
  const names = Array.from({ length: 16 }, (_, index) => `s${index}`)
  for (let round = 0; round < 3; round++) {
    const root = join(newFolder(t), 'instances')
    const child = fork(new URL('../testing/pair-swapper.ts', import.meta.url))
    child.send({ root, names, pairs: [old, next] } satisfies SwapperOrder)
    for (let swaps = 0; swaps <= 3; ) [swaps] = (await once(child, 'message')) as [number]
    await delay(round * 5)
    child.kill('SIGKILL')
    await once(child, 'exit')
    for (const name of names) {
      const dir = join(root, name)
      const folder = new PairFolder(dir, new Disk())
      const { keyPem, certificatePem, version } = folder.read()!
      const whole = [old, next].some(
        (pair) => pair.keyPem === keyPem && pair.certificatePem === certificatePem,
      )
      assert.ok(whole && version >= 4, `${name}, version ${version}`)
      folder.swap(third, plain)
    }
    for (const name of names) assertNoLitter(join(root, name), 2)
  }
})

test('purge, power-cut at every call: the next purge removes the rest', async (t) => {
  const root = newFolder(t)
  await atEveryCall('power-cut', async ({ calls }, n) => {
    const dir = join(root, String(n), 'lake')
    for (let swaps = 0; swaps < 2; swaps++) new PairFolder(dir, new Disk()).swap(old, { keyMode: 0o600 })
    await survives(() => new PairFolder(dir, new Disk({ calls })).purge())
    new PairFolder(dir, new Disk()).purge()
    assert.deepEqual(readdirSync(join(root, String(n))), ['.staging'])
    assert.deepEqual(readdirSync(join(root, String(n), '.staging')), [])
  })
})

function assertNoLitter(dir: string, versions: number): void {
  assert.deepEqual(readdirSync(join(dir, '..', '.staging')), [])
  const names = readdirSync(dir)
  assert.equal(names.length, versions + 1, names.join())
  assert.ok(names.includes('current'))
}
