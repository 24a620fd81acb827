import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_EVENTS, parseEvents } from './event.ts'
import { Problem } from './problem.ts'

const now = Date.UTC(2026, 0, 1)

test('one event or a list; without a time it is from now', () => {
  assert.deepEqual(parseEvents({ source: 'door-7', value: 1 }, now), [
    { source: 'door-7', value: 1, at: now },
  ])
  const at = '2025-12-31T23:59:00.250Z'
  assert.deepEqual(parseEvents([{ source: 'a', value: -1.5, at }], now), [
    { source: 'a', value: -1.5, at: now - 59_750 },
  ])
})

test('what an event may not be', () => {
  const good = { source: 'a', value: 1 }
  const bad: unknown[] = [
    null,
    'a',
    {},
    { ...good, source: '' },
    { ...good, source: 'A' },
    { ...good, source: 'a'.repeat(65) },
    { ...good, source: '-a' },
    { ...good, value: '1' },
    { ...good, value: Number.NaN },
    { ...good, value: 1e16 },
    { ...good, at: 0 },
    { ...good, at: 'yesterday' },
    { ...good, at: '2026-02-31T00:00:00+01:00' },
    { ...good, at: '2026-01-01T00:01:01Z' },
  ]
  for (const event of bad) {
    assert.throws(() => parseEvents([good, event], now), { status: 400, code: 'EVENT_INVALID' })
  }
})

test('a list has at least one and at most the allowed number of events', () => {
  const list = (length: number) => Array.from({ length }, () => ({ source: 'a', value: 1 }))
  assert.equal(parseEvents(list(MAX_EVENTS), now).length, MAX_EVENTS)
  for (const length of [0, MAX_EVENTS + 1]) {
    assert.throws(() => parseEvents(list(length), now), { status: 413, code: 'TOO_MANY' })
  }
})

test('whatever the JSON, events or a problem with a short message', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      try {
        parseEvents(json, now)
      } catch (error) {
        assert.ok(error instanceof Problem && error.message.length < 200)
      }
    }),
  )
})
