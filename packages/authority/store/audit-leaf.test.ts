import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { type AuditRecord, auditLeaf } from './audit-leaf.ts'

const record: AuditRecord = { number: 42, at: 7, actor: 'up', deed: 'issued', entry: '{"serial":"01"}' }

test('a leaf is the hash of the lines that its description shows', () => {
  const text = '\0datapunk-mtls audit v1\n42\n7\n"up"\n"issued"\n{"serial":"01"}'
  assert.deepEqual(auditLeaf(record), createHash('sha256').update(text).digest())
})

test('no two entries have one leaf', () => {
  const text = fc.oneof(fc.string(), fc.constantFrom('up', 'up"\n"issued', '\n', '"'))
  const any = fc.record({
    number: fc.integer({ min: 1, max: 9 }),
    at: fc.nat(9),
    actor: text,
    deed: text,
    entry: fc.json(),
  })
  fc.assert(
    fc.property(any, any, (one, other) => {
      const same = JSON.stringify(Object.values(one)) === JSON.stringify(Object.values(other))
      assert.equal(Buffer.compare(auditLeaf(one), auditLeaf(other)) === 0, same)
    }),
  )
})
