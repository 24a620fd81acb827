import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { sessionFile } from './session-file.ts'

let folder: string
let place: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sessions-'))
  place = join(folder, 'console-sessions.json')
})

afterEach(() => rmSync(folder, { recursive: true }))

describe('the file of sessions', () => {
  test('has what was saved last, for its owner alone', () => {
    const file = sessionFile(place)
    assert.equal(file.load(), undefined)
    file.save('one')
    file.save('other')
    assert.equal(file.load(), 'other')
    assert.equal(statSync(place).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(folder), ['console-sessions.json'])
  })

  test('on a disk that is full keeps what it had, says so, and can still be cleared', () => {
    const file = sessionFile(place)
    file.save('one')
    // Linux answers every write to it with ENOSPC.
    symlinkSync('/dev/full', `${place}.next`)
    assert.throws(() => file.save('other'), { code: 'ENOSPC' })
    assert.equal(file.load(), 'one')
    assert.deepEqual(readdirSync(folder), ['console-sessions.json'])
    file.clear()
    assert.equal(file.load(), undefined)
    assert.ok(!existsSync(place))
  })

  test('that can’t be cleared says so', () => {
    const file = sessionFile(place)
    mkdirSync(place)
    writeFileSync(join(place, 'in the way'), '')
    assert.throws(() => file.clear(), { code: 'EISDIR' })
  })
})
