import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { drawScenario } from './scenario.ts'
import { type Outcome, simulate } from './simulation.ts'

/** Meshes of all kinds; whoever wants others runs `npm run simulate -- --years N --seed S`. */
const SEEDS = ['3', '4', '7', '8']

describe('meshes live for years, and at every step all that must hold does', () => {
  for (const seed of SEEDS) {
    test(`npm run simulate -- --seed ${seed}`, async () => {
      const outcome = await simulate(drawScenario(seed))
      assert.ok(outcome.certificates > 0 && outcome.bundles > 0)
    })
  }

  test('a calm mesh does nothing but what is due', async () => {
    const outcome = await simulate(drawScenario('calm', { services: 10, years: 8, calm: true }))
    assert.equal(outcome.crashes, 0)
    assert.ok(outcome.rootRollOvers >= 1)
    assert.ok(outcome.bundles < 9 * 366, `${outcome.bundles} bundles in 8 years`)
  })
})

test('a seed replays exactly', async () => {
  const run = async (): Promise<[Outcome, string[]]> => {
    const lines: string[] = []
    const outcome = await simulate(drawScenario('again', { services: 4, years: 0.5 }), (line) =>
      lines.push(line),
    )
    return [outcome, lines]
  }
  assert.deepEqual(await run(), await run())
})
