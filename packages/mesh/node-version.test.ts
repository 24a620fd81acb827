import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuseUnsafeNode } from './node-version.ts'

test('refuses the versions of Node that mix up sessions, and old ones, and says which are allowed', () => {
  for (const version of ['20.20.2', '22.23.3', '24.0.0', '24.16.9', '25.9.0', '26.0.0', '26.2.1', '26.3.0']) {
    assert.throws(() => refuseUnsafeNode(version), {
      code: 'NODE_REFUSED',
      message: new RegExp(`found Node ${version}; allowed: 24\\.17`),
    })
  }
})

test('lets the others pass', () => {
  for (const version of ['24.17.0', '24.21.0', '26.3.1', '26.10.0', '27.0.0']) refuseUnsafeNode(version)
})
