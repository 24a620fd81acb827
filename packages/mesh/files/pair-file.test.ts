import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, promises, rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { readPair } from './pair-file.ts'

function placeIn(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'pair-file-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  return { service: 'lake', cert: join(folder, 'lake.crt'), key: join(folder, 'lake.key'), mode: 0o600 }
}

test('what lies in the place of a key is read only where it is a file, and no larger than a key', async (t) => {
  const put: readonly [found: RegExp, put: (path: string) => unknown][] = [
    [/no regular file/, (path) => execFileSync('mkfifo', ['-m', '0600', path])],
    [/an empty file/, (path) => writeFileSync(path, '', { mode: 0o600 })],
    [/262145 bytes/, (path) => writeFileSync(path, Buffer.alloc(256 * 1024 + 1, 'a'), { mode: 0o600 })],
  ]
  for (const [found, putAt] of put) {
    const place = placeIn(t)
    writeFileSync(place.cert, 'a certificate')
    putAt(place.key)
    await assert.rejects(readPair(place), { code: 'KEY_UNREADABLE', message: found })
  }
  const place = placeIn(t)
  writeFileSync(place.cert, 'a certificate')
  writeFileSync(place.key, 'a key', { mode: 0o600 })
  const { cert, key } = await readPair(place)
  assert.deepEqual([String(cert), String(key)], ['a certificate', 'a key'])
})

test('the mode of a key is that of the very file that is read, whoever puts another there meanwhile', async (t) => {
  const place = placeIn(t)
  writeFileSync(place.cert, 'a certificate')
  writeFileSync(place.key, 'a key', { mode: 0o600 })
  const { open } = promises
  const { mock } = t.mock.method(promises, 'open', (file: string, ...rest: [number]) => {
    if (file === place.key) chmodSync(file, 0o644)
    return open(file, ...rest)
  })
  syncBuiltinESMExports()
  atEnd(t, () => {
    mock.restore()
    syncBuiltinESMExports()
  })
  await assert.rejects(readPair(place), { code: 'KEY_EXPOSED', message: /0644; allowed: at most 0600/ })
})
