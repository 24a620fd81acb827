import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import type { Engine } from '../engine/engine.ts'
import { revoke } from '../revocation/revoke.ts'
import { rotate } from '../rotation/rotate.ts'
import { KeptStore } from '../store/kept-store.ts'
import { MemoryStore } from '../store/memory.ts'
import { testEngine } from '../testing/test-engine.ts'
import { sectionsOf } from './sections.ts'

const DAY = 24 * 60 * 60 * 1000
const yes = { approve: () => true }

describe('the sections of the bundle', () => {
  let dir: string
  let clock: FixedClock
  let rows: MemoryStore
  let engine: Engine

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sections-'))
    clock = new FixedClock(Date.UTC(2026, 5, 1))
    rows = new MemoryStore()
    engine = engineOf({ lake: {}, stream: {}, nexus: { reload: 'true', delivery: 'files' } })
    await apply(engine, yes)
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  const engineOf = (services: Readonly<Record<string, unknown>>) => {
    const certificates = { validity_days: 30, key_algorithm: 'ecdsa-p256' }
    return testEngine({ dir, clock, store: new KeptStore(rows), config: { certificates, services } })
  }
  const sections = (store: Engine['store'] = engine.store) =>
    sectionsOf(store, 'report', { now: clock.now(), pinnedAt: clock.now() })
  const serialOf = (service: string) =>
    rows.currentCertificates().find(({ instance }) => instance === service)!.serial

  test('are what making them from scratch gives, whatever happens', async () => {
    const shows = (instance: string, serial: string) => {
      const trustStatement = { generation: 1, counter: 1 }
      const row = { instance, generation: 1, counter: 1, trustStatement, serial, at: clock.now() }
      return engine.store.write((transaction) =>
        transaction.putAcknowledgement({ ...row, document: new Uint8Array(), leftAt: undefined }),
      )
    }
    const before = serialOf('lake')
    const steps: Readonly<Record<string, () => unknown>> = {
      'nothing happens': () => {},
      'a service is rotated': () => rotate(engine, { what: 'pairs', service: 'lake' }),
      'it shows the certificate of before': () => shows('lake', before),
      'it shows the new one': () => shows('lake', serialOf('lake')),
      'a day goes by': () => clock.advance(DAY),
      'one is revoked': () => revoke(engine, { targets: [{ serial: before }], reason: 'superseded' }),
      'the first certificates have ended': () => clock.advance(30 * DAY),
      'a service is handed its files': () =>
        engine.store.write((transaction) =>
          transaction.putDelivery({ instance: 'lake', digest: 'aa', at: clock.now() }),
        ),
      'they are renewed': () => apply(engine, yes),
      'services come, go and have other names': () => {
        engine = engineOf({ lake: { dns_names: ['water.service.internal'] }, river: {} })
        return apply(engine, yes)
      },
      'the clock goes back': () => clock.advance(-2 * DAY),
    }
    const digests = new Set<string>()
    for (const [step, happen] of Object.entries(steps)) {
      await happen()
      assert.deepEqual(sections(), sections(rows), step)
      digests.add(
        sections()
          .map(({ digest }) => digest)
          .join(),
      )
    }
    assert.ok(digests.size > 6, `${digests.size}`)
  })

  test('are not made again before something has changed', async () => {
    const [members] = sections()
    clock.advance(DAY)
    assert.equal(sections()[0], members, 'the same object')
    await rotate(engine, { what: 'pairs', service: 'lake' })
    assert.notEqual(sections()[0], members)
  })
})
