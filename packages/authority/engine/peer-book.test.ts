import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FixedClock } from '@datapunk/testkit'
import { LIVENESS, PeerBook } from './peer-book.ts'

const peer = (name: string) => ({
  ...{ peer: name, service: 'lake', instance: 'lake', version: '1', serial: '01' },
  revoked: false,
})

test('an instance has left once each of its processes has said so, and not when one just falls silent', () => {
  const book = new PeerBook(new FixedClock().now)
  book.arrived(peer('one'))
  book.arrived(peer('two'))
  assert.equal(book.left('one', true), false)
  assert.equal(book.left('two', false), false)
  assert.equal(book.hasLeft({ instance: 'lake', leftAt: undefined }), false)
  book.arrived(peer('two'))
  assert.equal(book.left('two', true), true)
  assert.equal(book.hasLeft({ instance: 'lake', leftAt: undefined }), true)
})

test('what was on record before counts until one comes', () => {
  const book = new PeerBook(new FixedClock().now)
  assert.equal(book.hasLeft({ instance: 'lake', leftAt: 1 }), true)
  assert.equal(book.hasLeft({ instance: 'lake', leftAt: undefined }), false)
  book.arrived(peer('one'))
  assert.equal(book.hasLeft({ instance: 'lake', leftAt: 1 }), false)
})

test('who is live, and who has come, is told by the time that went by, wherever a clock is set', () => {
  const [start, ahead] = [Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1)]
  let [clock, monotonic] = [ahead, 5000]
  const book = new PeerBook(
    () => clock,
    () => monotonic,
  )
  const lake = { service: 'lake', instance: 'lake', version: '1', serial: '01', revoked: false }
  book.opened()
  for (const peer of ['one', 'two']) book.arrived({ ...lake, peer })
  book.left('one', false)
  clock = start
  monotonic += LIVENESS - 1
  assert.deepEqual([book.live().length, book.isComplete, book.completeAt], [2, false, start + 1])
  monotonic += 2
  assert.deepEqual([book.live().map(({ peer }) => peer), book.isComplete], [['two'], true])
  book.left('two', false)
  clock = ahead
  assert.equal(book.live().length, 1)
})
