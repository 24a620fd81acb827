import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSerial, serialIn } from './serial-text.ts'

test('a serial is known however it is written', () => {
  const shown = '00fe75b90b3d5268d546c38d30d57f4b62'
  for (const text of [shown, shown.slice(2), shown.slice(0, 16), 'FE:75:B9:0B:3D:52:68:D5:46']) {
    const wanted = serialIn(text)
    assert.ok(wanted !== undefined && isSerial(shown, wanted), text)
  }
  assert.equal(isSerial('1b25d4886ae6c1d895d811a01f04f16a', serialIn(shown)!), false)
})

test('a name or a few digits are no serial', () => {
  for (const text of ['lake', '', 'fe75b9', '00fe75b9', 'g'.repeat(32)])
    assert.equal(serialIn(text), undefined)
})
