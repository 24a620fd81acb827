import './fake-signatures.ts'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

// Only now, so that they get what is faked.
const { drawScenario } = await import('./scenario.ts')
const { simulate } = await import('./simulation.ts')

/**
 * Meshes of 1 to 17 services with leaves of an hour to years; whoever wants others runs `npm run simulate -- --years N`.
 */
const SEEDS = ['4', '7', '8', '114', '200', '214', '221', '246', '253', 'S4']

describe('meshes live for years through crashes, cuts, naps, thefts, edits, losses and logs that lie', () => {
  for (const seed of SEEDS) {
    test(`npm run simulate -- --fake-signatures --seed ${seed}`, async () => {
      const { certificates, bundles, crashes } = await simulate(drawScenario(seed))
      assert.ok(certificates > 0 && bundles > 0 && crashes > 0)
    })
  }

  test('of four days, in which one with a new key is cut off: --seed T.11', async () => {
    const { certificates, bundles } = await simulate(drawScenario('T.11'))
    assert.ok(certificates > 0 && bundles > 0)
  })
})
