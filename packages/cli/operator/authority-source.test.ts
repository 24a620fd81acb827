import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AuthoritySource } from './authority-source.ts'

test('an authority that has not looked for twice as long as it may is to be started again', () => {
  let now = 0
  const fault = 'the disk is full'
  const watched = {
    fault,
    measure: () => assert.fail('nobody has asked for metrics'),
    peers: { live: () => [] },
  }
  const source = new AuthoritySource(() => watched, { clock: () => 0, monotonic: () => now })
  now = 20 * 60_000
  assert.equal(source.sickness(), undefined)
  now += 1
  assert.match(source.sickness() ?? '', /not looked at the mesh for .*; allowed: .*Restart `mtls up`/)
  source.looked(undefined)
  assert.equal(source.sickness(), undefined)
  assert.equal(source.unreadiness(), fault)
})
