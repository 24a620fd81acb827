import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { goneInstances } from './succession.ts'

const DAY = 24 * 60 * 60 * 1000
const LIFE = 90

const key = (instance: string, from: number) => ({
  ...{ instance, notBefore: from * DAY, notAfter: (from + LIFE) * DAY },
})
const gone = (keys: readonly ReturnType<typeof key>[], day: number) => [...goneInstances(keys, day * DAY)]

test('a key is gone when its certificate has ended, and another one has followed, which no other has', () => {
  const keys = [key('first', 0), key('beside', 2), key('early', 40), key('next', 60)]
  assert.deepEqual(gone(keys, 90), [])
  assert.deepEqual(gone(keys, 91), ['first'])
  assert.deepEqual(gone(keys, 95), ['first'], 'nobody has come for the second')
  assert.deepEqual(gone([key('last', 93), ...keys], 95), ['first', 'beside'])
})

test('one that nobody has followed is looked for once more as long', () => {
  assert.deepEqual(gone([key('only', 0)], 2 * LIFE), [])
  assert.deepEqual(gone([key('only', 0)], 2 * LIFE + 1), ['only'])
})

test('of so many who begin together and make a key each time, so many are left, however each goes its way', () => {
  const pause = fc.integer({ min: LIFE / 2 + 5, max: LIFE - 1 })
  const holder = fc.tuple(fc.nat(LIFE / 2 - 1), pause, pause, pause)
  fc.assert(
    fc.property(fc.array(holder, { maxLength: 6 }), (holders) => {
      const keys = holders.flatMap((pauses, who) => {
        let day = 0
        return pauses.map((pause, index) => {
          day += pause
          return key(`${who}.${index}`, day)
        })
      })
      const end = Math.max(0, ...keys.map(({ notAfter }) => notAfter)) / DAY + 1
      const last = keys.filter(({ instance }) => instance.endsWith('.3'))
      fc.pre(last.every(({ notAfter }) => end - notAfter / DAY <= LIFE))
      assert.equal(keys.length - gone(keys, end).length, holders.length)
    }),
  )
})
