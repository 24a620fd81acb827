import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { configReference } from '@datapunk/protocol'

test('configuration.md is what the schema says', () => {
  const page = readFileSync(new URL('configuration.md', import.meta.url), 'utf8')
  assert.equal(page, configReference(), 'write it anew: npx mtls schema --reference > docs/configuration.md')
})
