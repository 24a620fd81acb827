import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Enforcement } from '@datapunk/authority'
import { enforcementLines } from './revocation.ts'

test('a revocation is told of as many peers as there may be', () => {
  // More than can be arguments of one call.
  const enforced = Array.from({ length: 200_000 }, (_, at) => ({ service: 'lake', instance: 'lake', at }))
  const enforcement: Enforcement = { enforced, late: [], silent: [], byFile: [], untold: [], served: true }
  assert.deepEqual(enforcementLines(enforcement, 0), [
    'enforced by 200000 of 200000 live peers after 199999 ms',
  ])
})
