import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditEntryText } from './audit-entry-text.ts'

test('an entry says what a setting was before, by itself or behind what else there is to say', () => {
  const changes = { 'authority.bundle_days': { from: 7, to: 30 }, validityDays: { to: 90 } }
  assert.equal(auditEntryText({ changes }), 'authority.bundle_days 7 → 30')
  assert.equal(auditEntryText({ service: 'lake', changes }), 'service lake, authority.bundle_days 7 → 30')
})
