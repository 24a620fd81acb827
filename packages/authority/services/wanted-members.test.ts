import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { testEngine } from '../testing/test-engine.ts'
import { membersOf } from './members.ts'
import { wantedMembers } from './wanted-members.ts'

const before = { lake: {}, stream: { allow: ['lake'] }, old: {} }

const changes: Record<string, Record<string, object>> = {
  'nothing changes': before,
  'a right': { ...before, lake: { allow: ['old'] } },
  'a name': { ...before, lake: { dns_names: ['store.service.internal'] } },
  'an address': { ...before, lake: { address: '10.0.0.1:8445' } },
  'one more, and one less': { lake: {}, stream: { allow: ['lake'] }, fresh: {} },
}

for (const [what, services] of Object.entries(changes)) {
  test(`wantedMembers says before what apply publishes after: ${what}`, async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'wanted-'))
    atEnd(t, () => rmSync(dir, { recursive: true }))
    const clock = new FixedClock(Date.UTC(2026, 5, 1))
    const engine = testEngine({ dir, clock, config: { services: before } })
    await apply(engine, { approve: () => true })
    const { config } = testEngine({ dir, clock, config: { services } })
    const wanted = wantedMembers(config, clock.now(), engine.store)
    await apply({ ...engine, config }, { approve: () => true })
    const byName = (a: { service: string }, b: { service: string }) => (a.service < b.service ? -1 : 1)
    assert.deepEqual(wanted.sort(byName), membersOf(engine.store, clock.now()).sort(byName))
    const alone = wantedMembers(config, clock.now())
    assert.deepEqual(
      alone.map(({ service, callers }) => [service, callers]),
      [...config.services.values()].map(({ service, allow }) => [service, allow]),
    )
  })
}
