import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isNotModified } from './validators.ts'

const made = { etag: '"1a2b"', modified: Date.UTC(2026, 5, 1, 12, 0, 7) }

const had = [
  { 'if-none-match': '"1a2b"' },
  { 'if-none-match': 'W/"1a2b"' },
  { 'if-none-match': '"77", W/"88" ,"1a2b"' },
  { 'if-none-match': '*' },
  { 'if-modified-since': 'Mon, 01 Jun 2026 12:00:07 GMT' },
  // The tag says more.
  { 'if-none-match': '"1a2b"', 'if-modified-since': 'Sun, 31 May 2026 12:00:07 GMT' },
]

const notHad = [
  {},
  { 'if-none-match': '"77"' },
  { 'if-none-match': '1a2b' },
  { 'if-none-match': '' },
  { 'if-none-match': '"77"', 'if-modified-since': 'Mon, 01 Jun 2026 12:00:07 GMT' },
  { 'if-modified-since': 'Mon, 01 Jun 2026 12:00:06 GMT' },
  { 'if-modified-since': 'Tue, 02 Jun 2026 12:00:07 GMT' },
  { 'if-modified-since': 'yesterday' },
]

for (const headers of had)
  test(`has it: ${JSON.stringify(headers)}`, () => assert.ok(isNotModified(headers, made)))
for (const headers of notHad) {
  test(`does not: ${JSON.stringify(headers)}`, () => assert.ok(!isNotModified(headers, made)))
}
