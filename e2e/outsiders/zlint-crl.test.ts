import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeyAlgorithm } from '@datapunk/pki'
import { atEnd } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { needs, program } from '../outsider.ts'
import { everyList, ListFolder } from './revocation-lists.ts'

/** Go, which zlint is written in, reads no lists signed with ML-DSA. */
const table: readonly KeyAlgorithm[] = ['rsa', 'ecdsa-p256', 'ecdsa-p384', 'ed25519']
/** All of those with lints about lists. */
const rulebooks = 'RFC5280,CABF_BR,Community'
const zlint = process.env.ZLINT ?? 'zlint'

/**
 * What zlint finds and is meant so: the rules for the public web recommend against deltas (BR 7.2.2), which is why it warns
 * of their indicator and of the place they are found at.
 */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  full: ['e_crl_extensions_validity: warn'],
  delta: ['e_crl_extensions_validity: warn'],
}

test('zlint finds nothing in any list of any algorithm', needs(zlint), async (t) => {
  for (const algorithm of table) {
    await t.test(algorithm, async (t) => {
      const folder = await ListFolder.create(algorithm)
      atEnd(t, () => folder.remove())
      const requests = everyList(await folder.ca.leaf('lake'))
      for (const [name, request] of Object.entries(requests)) {
        const file = await folder.list(name, request)
        const output = await Child.output(program(zlint), ['-includeSources', rulebooks, file])
        const results = Object.entries(JSON.parse(output) as Record<string, { result: string }>)
        const found = results.filter(([, { result }]) => !['pass', 'NA', 'NE'].includes(result))
        assert.deepEqual(
          found.map(([lint, { result }]) => `${lint}: ${result}`),
          exceptions[name] ?? [],
          JSON.stringify(found),
        )
        const passed = results.filter(([, { result }]) => result === 'pass').length
        assert.ok(passed >= 10, `${name}: only ${passed} of ${results.length} lints applied`)
      }
    })
  }
})
