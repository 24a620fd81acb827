import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthorityEvent } from '@datapunk/authority'
import { EnforcementTimes } from './enforcement-times.ts'

function heard(isAnyoneLive = () => true) {
  const told: string[] = []
  const times = new EnforcementTimes({
    isAnyoneLive,
    bundleEnforced: (after) => told.push(`bundle ${after}`),
    revocationEnforced: (after) => told.push(`revocation ${after}`),
  })
  const happens = (at: number, kind: AuthorityEvent['kind'], detail = {}) => {
    times.event({ kind, subject: 'mesh', at, detail } as AuthorityEvent)
    return told.splice(0)
  }
  return happens
}

test('a bundle is timed from its signature, a revocation from its record', () => {
  const happens = heard()
  assert.deepEqual(happens(0, 'bundle-published'), [])
  assert.deepEqual(happens(40, 'bundle-enforced', { after: 40 }), ['bundle 40'])
  happens(100, 'certificate-revoked')
  happens(101, 'certificate-revoked')
  happens(110, 'bundle-published')
  assert.deepEqual(happens(150, 'bundle-enforced', { after: 40 }), ['bundle 40', 'revocation 50'])
  happens(200, 'bundle-published')
  assert.deepEqual(happens(210, 'bundle-enforced', { after: 10 }), ['bundle 10'])
})

test('what is revoked after a bundle is not enforced with that, and what is not enforced is waited for', () => {
  const happens = heard()
  happens(0, 'bundle-published')
  happens(10, 'certificate-revoked')
  assert.deepEqual(happens(20, 'bundle-enforced', { after: 20 }), ['bundle 20'])
  happens(30, 'bundle-published')
  happens(40, 'certificate-revoked')
  happens(50, 'bundle-published')
  assert.deepEqual(happens(60, 'bundle-enforced', { after: 10 }), ['bundle 10', 'revocation 50'])
})

test('where nobody was live, whoever comes days later is not timed', () => {
  let isAnyoneLive = false
  const happens = heard(() => isAnyoneLive)
  happens(0, 'certificate-revoked')
  happens(10, 'bundle-published')
  isAnyoneLive = true
  assert.deepEqual(happens(9_999_999, 'bundle-enforced', { after: 3 }), ['bundle 3'])
})
