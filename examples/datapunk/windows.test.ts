import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Windows } from './windows.ts'

const options = { length: 1000, grace: 100, most: 3 }

test('events of one source and second are one window', () => {
  const windows = new Windows(options)
  for (const value of [3, -1, 4]) windows.add({ source: 'a', value, at: 5_400 }, 5_500)
  assert.deepEqual(windows.takeClosed(6_100), [
    { source: 'a', start: 5000, end: 6000, count: 3, min: -1, max: 4, sum: 6 },
  ])
  assert.equal(windows.size, 0)
})

test('a window stays open for its grace, and is closed from then on', () => {
  const windows = new Windows(options)
  windows.add({ source: 'a', value: 1, at: 5_000 }, 5_000)
  assert.deepEqual(windows.takeClosed(6_099), [])
  assert.equal(windows.add({ source: 'a', value: 1, at: 5_999 }, 6_099), 'counted')
  assert.equal(windows.takeClosed(6_100)[0]?.count, 2)
  assert.equal(windows.add({ source: 'a', value: 1, at: 5_999 }, 6_100), 'late')
})

test('there is room for so many windows and no more, but always for events of those that are open', () => {
  const windows = new Windows(options)
  const add = (source: string) => windows.add({ source, value: 1, at: 0 }, 0)
  assert.deepEqual(['a', 'b', 'c', 'd', 'a'].map(add), ['counted', 'counted', 'counted', 'full', 'counted'])
})

test('at the end all windows are given out, oldest first', () => {
  const windows = new Windows(options)
  for (const at of [2_000, 0, 1_000]) windows.add({ source: 'a', value: 1, at }, 0)
  assert.deepEqual(
    windows.takeAll().map(({ start }) => start),
    [0, 1000, 2000],
  )
})

test('whatever comes in, in whatever order, comes out exactly once or was late', () => {
  const event = fc.record({
    source: fc.constantFrom('a', 'b'),
    value: fc.integer(),
    at: fc.nat(10_000),
    after: fc.nat(3000),
  })
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const windows = new Windows({ ...options, most: 100 })
      const outcomes = events.map(({ after, ...event }) => windows.add(event, event.at + after))
      const counted = outcomes.filter((outcome) => outcome === 'counted').length
      const given = [...windows.takeClosed(5000), ...windows.takeAll()]
      assert.equal(
        given.reduce((sum, { count }) => sum + count, 0),
        counted,
      )
      for (const { start, end, min, max } of given) assert.ok(end - start === 1000 && min <= max)
    }),
  )
})
