import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { SqliteStore } from './sqlite.ts'

const writer = `
  import { SqliteStore } from ${JSON.stringify(new URL('./sqlite.ts', import.meta.url).href)}
  const store = SqliteStore.open({ file: process.argv[1] })
  const lane = async (lane) => {
    for (let count = 0; ; count++) {
      const service = lane + '-' + count
      await store.write((transaction) => {
        transaction.putService({ service, spiffeId: 's', state: 'member', settings: '{}', since: count })
        transaction.addAudit({ at: count, actor: 'apply', deed: 'service-added', entry: { service } })
      })
      process.stdout.write(service + '\\n')
    }
  }
  await Promise.all(['a', 'b', 'c', 'd'].map(lane))
`

test('1 and 2: whatever was reported as written is there after kill -9, each whole', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'inventory-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  const file = join(folder, 'inventory.db')
  for (const least of [1, 50, 400]) {
    const reported = await killedAfter(file, least)
    const store = SqliteStore.open({ file })
    const there = new Set(store.services().map(({ service }) => service))
    for (const service of reported) assert.ok(there.has(service), `${service} was reported, and is gone`)
    const audit = store.audit(0, 1_000_000)
    assert.deepEqual(
      audit.map(({ number }) => number),
      audit.map((_, index) => index + 1),
    )
    assert.deepEqual(new Set(audit.map(({ entry }) => entry.service)), there)
    store.close()
  }
})

/** Runs a writer until it has reported `least` writes, kills it, and returns all it reported until it died. */
async function killedAfter(file: string, least: number): Promise<string[]> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', writer, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  const reported: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    reported.push(line)
    if (reported.length === least) child.kill('SIGKILL')
  }
  await closed
  assert.ok(reported.length >= least)
  return reported
}
