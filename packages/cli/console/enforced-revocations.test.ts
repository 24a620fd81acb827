import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EnforcedRevocations } from './enforced-revocations.ts'

const BEGUN = Date.UTC(2026, 0, 1)

/** @param events what happened, each a second after the one before */
function after(events: readonly (readonly [kind: string, serial?: string])[]): EnforcedRevocations {
  const revocations = new EnforcedRevocations()
  for (const [index, [kind, serial]] of events.entries()) {
    const at = new Date(BEGUN + index * 1000).toISOString()
    revocations.event({ kind, subject: 'lake', at, detail: { serial } })
  }
  return revocations
}

test('the time of a revocation is that until a bundle with it was enforced', () => {
  const found = after([
    ['certificate-revoked', 'a'],
    ['bundle-published'],
    ['certificate-revoked', 'b'],
    ['bundle-enforced'],
  ])
  assert.deepEqual([found.after('a'), found.isPending('a')], [3000, false])
  assert.deepEqual([found.after('b'), found.isPending('b')], [undefined, true], 'no bundle has it yet')
  assert.deepEqual([found.after('c'), found.isPending('c')], [undefined, false])
})

test('a revocation is pending as long as its bundle is not enforced', () => {
  const found = after([['certificate-revoked', 'a'], ['bundle-published'], ['peer-live']])
  assert.deepEqual([found.after('a'), found.isPending('a')], [undefined, true])
})
