import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { drawScenario } from './scenario.ts'
import { type Outcome, simulate } from './simulation.ts'

describe('with real signatures', () => {
  for (const seed of ['10', '17', '19']) {
    test(`npm run simulate -- --seed ${seed}`, async () => {
      const { certificates, bundles, crashes } = await simulate(drawScenario(seed))
      assert.ok(certificates > 0 && bundles > 0 && crashes > 0)
    })
  }
})

test('a seed replays exactly', async () => {
  const run = async (): Promise<[Outcome, string[]]> => {
    const lines: string[] = []
    const outcome = await simulate(drawScenario('again', { services: 4, years: 0.5 }), (line) =>
      lines.push(line),
    )
    return [outcome, lines]
  }
  const [outcome, lines] = await run()
  assert.ok(lines.length > 0)
  assert.deepEqual(await run(), [outcome, lines])
})
