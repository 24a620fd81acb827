import './fake-signatures.ts'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

// Only now, so that they get what is faked.
const { drawScenario } = await import('./scenario.ts')
const { simulate } = await import('./simulation.ts')

/** How many services a mesh has, and how long meshes of that size live in all. */
const MESHES = [
  { services: 1, years: 100 },
  { services: 2, years: 40 },
  { services: 3, years: 40 },
  { services: 10, years: 20 },
  { services: 30, years: 4 },
] as const

/** Of one mesh: long enough for its root to roll over. What is kept for ever, as trust statements are, slows older ones down. */
const LIFE = 10

describe('a calm mesh does nothing but what is due', () => {
  for (const { services, years } of MESHES) {
    test(`${services} services for ${years} years`, async () => {
      for (let lived = 0; lived < years; lived += LIFE) {
        const life = Math.min(LIFE, years - lived)
        const options = { services, years: life, calm: true }
        const { bundles, crashes, rootRollOvers } = await simulate(drawScenario(`calm ${lived}`, options))
        assert.equal(crashes, 0)
        assert.equal(rootRollOvers > 0, life === LIFE)
        assert.ok(bundles < (life + 1) * 366, `${bundles} bundles in ${life} years`)
      }
    })
  }
})
