import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { SqliteLock } from './sqlite-lock.ts'

describe('the checkpoint that is locked', () => {
  let folder: string
  let lock: SqliteLock

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lock-'))
    lock = new SqliteLock(join(folder, 'lock.db'))
  })

  afterEach(() => {
    lock.close()
    rmSync(folder, { recursive: true })
  })

  const [first, second, other] = ['first', 'second', 'other'].map((text) => Buffer.from(text))
  const receiptOf = (key: string) => new Map([[key, Buffer.from(`receipt of ${key}`)]])
  const locked = async () => Buffer.from((await lock.checkpoint()) ?? []).toString()

  test('is replaced by whoever knows it, and by nobody else', async () => {
    assert.equal(await lock.checkpoint(), undefined)
    assert.equal(await lock.replace({ expected: first, next: second!, receipts: receiptOf('aa') }), false)
    assert.equal(await lock.replace({ expected: undefined, next: first!, receipts: receiptOf('bb') }), true)
    for (const expected of [undefined, other])
      assert.equal(await lock.replace({ expected, next: second!, receipts: receiptOf('aa') }), false)
    assert.deepEqual([await locked(), await lock.receipt('aa')], ['first', undefined])
    assert.equal(await lock.replace({ expected: first, next: second!, receipts: receiptOf('aa') }), true)
    assert.equal(await locked(), 'second')
    assert.deepEqual(Buffer.from((await lock.receipt('bb'))!), receiptOf('bb').get('bb'))
  })

  test('stays as it was, with all receipts, where one of those was given before', async () => {
    await lock.replace({ expected: undefined, next: first!, receipts: receiptOf('bb') })
    const receipts = new Map([...receiptOf('aa'), ...receiptOf('bb')])
    await assert.rejects(lock.replace({ expected: first, next: second!, receipts }), /UNIQUE/)
    assert.deepEqual([await locked(), await lock.receipt('aa')], ['first', undefined])
    assert.equal(await lock.replace({ expected: first, next: second!, receipts: receiptOf('aa') }), true)
  })
})
