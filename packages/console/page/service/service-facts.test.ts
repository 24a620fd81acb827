import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeService } from '../../testing/fake-service.ts'
import { spokenService } from './service-facts.ts'

const NOW = Date.UTC(2026, 10, 27)

test('a screen reader says how a service is', () => {
  const lake = new FakeService('lake', 0, NOW, '1.7')
  assert.equal(spokenService(lake.view('1.7')), 'lake, good, 1 instance, enforces 1.7')
  const nexus = new FakeService('nexus', 2, NOW, '1.7')
  nexus.instances[1]!.enforced = '1.6'
  assert.equal(spokenService(nexus.view('1.7')), 'nexus, warning, 2 instances, enforces 1.6 and 1.7')
  for (const one of nexus.instances) one.live = 0
  assert.equal(spokenService(nexus.view('1.7')), 'nexus, quiet, 2 instances, 0 live, enforces nothing yet')
  nexus.revoke(NOW, 'superseded')
  assert.equal(
    spokenService(nexus.view('1.7')),
    'nexus, bad, revoked, 2 instances, 0 live, enforces nothing yet',
  )
})
