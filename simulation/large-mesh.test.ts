import './fake-signatures.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'

// Only now, so that they get what is faked.
const { drawScenario } = await import('./scenario.ts')
const { simulate } = await import('./simulation.ts')

test('200 services live for two days', async () => {
  const { certificates } = await simulate(drawScenario('large', { services: 200, years: 2 / 365 }))
  assert.ok(certificates >= 200)
})
