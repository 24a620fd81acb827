import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopback } from './loopback.ts'

test('loopback is what only this machine reaches, however it is written', () => {
  for (const host of ['localhost', '127.0.0.1', '127.8.8.8', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1'])
    assert.ok(isLoopback(host), host)
  for (const host of ['lake.service.datapunk', '0.0.0.0', '::', '128.0.0.1', '127.1', '::ffff:10.0.0.1', ''])
    assert.ok(!isLoopback(host), host)
})
