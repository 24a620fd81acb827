import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { Wake } from './wake.ts'

const NEVER = Number.MAX_SAFE_INTEGER

function newWake(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'wake-'))
  const file = join(folder, 'mtls-config.yaml')
  writeFileSync(file, '')
  const ending = new AbortController()
  const world = { clock: Date.now, monotonic: () => performance.now() }
  const wake = new Wake({ file, signal: ending.signal, world, onJump: () => {} })
  atEnd(t, () => {
    ending.abort()
    wake.close()
    rmSync(folder, { recursive: true })
  })
  return { wake, ending, file }
}

test('whoever is heard of wakes from a certain time on, also when that was during the look', async (t) => {
  const { wake } = newWake(t)
  for (const when of ['during the look', 'during the wait']) {
    if (when === 'during the look') wake.heard()
    const from = Date.now() + 200
    const waiting = wake.wait(NEVER, from)
    if (when === 'during the wait') wake.heard()
    await waiting
    assert.ok(Date.now() >= from, when)
  }
})

test('what is written wakes at once, whoever was heard of before', async (t) => {
  const { wake, file } = newWake(t)
  const waiting = wake.wait(NEVER, NEVER)
  wake.heard()
  writeFileSync(file, 'services: {}')
  await waiting
  const again = wake.wait(NEVER, NEVER)
  wake.poke()
  await again
})

test('where peers are not heeded, nobody who is heard of wakes', async (t) => {
  const { wake, ending } = newWake(t)
  const waiting = wake.wait(NEVER, undefined)
  wake.heard()
  const other = newWake(t).wake
  other.heard()
  const first = await Promise.race([waiting.then(() => 'this'), other.wait(NEVER, 0).then(() => 'other')])
  assert.equal(first, 'other')
  ending.abort()
  await waiting
})
