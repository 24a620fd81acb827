import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { diagram, importsBetweenParts, mayImport } from './import-table.ts'

test('imports keep to the table', () => {
  const forbidden = importsBetweenParts().filter(({ from, to }) => !mayImport[from]?.includes(to))
  assert.deepEqual(forbidden, [])
})

test('the reader of imports sees them: every arrow the design lives by is there', () => {
  const arrows = new Set(importsBetweenParts().map(({ from, to }) => `${from} → ${to}`))
  for (const arrow of ['packages/protocol → packages/pki', 'packages/authority → packages/protocol']) {
    assert.ok(arrows.has(arrow), arrow)
  }
})

test('architecture.md shows the imports as they are', () => {
  const page = readFileSync(new URL('architecture.md', import.meta.url), 'utf8')
  assert.ok(page.includes(diagram()), `docs/architecture.md needs this diagram:\n${diagram()}`)
})
