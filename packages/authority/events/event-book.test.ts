import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EventBook, type KeptEvent, missedBetween, type ToldEvent } from './event-book.ts'

const eventOf = (subject: string | number): ToldEvent => ({
  kind: 'bundle-published',
  subject: String(subject),
  at: '2026-11-23T21:51:00Z',
  detail: {},
})
const subjects = (events: readonly KeptEvent[]) => events.map(({ event }) => event.subject)

describe('EventBook', () => {
  test('tells what came after a position, and all where it is of another book', () => {
    const book = new EventBook('a')
    for (const subject of ['1', '2', '3']) book.add(eventOf(subject))
    assert.deepEqual(subjects(book.after(null)), ['1', '2', '3'])
    assert.deepEqual(subjects(book.after('a.1')), ['2', '3'])
    assert.deepEqual(subjects(book.after('a.3')), [])
    assert.deepEqual(subjects(book.after('b.3')), ['1', '2', '3'])
    for (const wrong of ['', 'a', 'a.', 'a.x', 'a.-5', 'a.99', '.'])
      assert.ok(book.after(wrong).length <= 3, wrong)
  })

  test('keeps a thousand', () => {
    const book = new EventBook('a')
    for (let number = 1; number <= 1500; number++) book.add(eventOf(number))
    const kept = subjects(book.after(null))
    assert.deepEqual([kept.length, kept[0], kept.at(-1)], [1000, '501', '1500'])
    assert.equal(book.after('a.20').length, 1000)
    assert.deepEqual(subjects(book.after('a.1498')), ['1499', '1500'])
  })
})

test('missedBetween counts what came between, and of another book what came before', () => {
  const at = (position: string): KeptEvent => ({ position, event: eventOf('lake') })
  assert.equal(missedBetween(null, at('a.501')), 0)
  assert.equal(missedBetween('a.7', at('a.8')), 0)
  assert.equal(missedBetween('a.7', at('a.10')), 2)
  assert.equal(missedBetween('a.7', at('b.1')), 0)
  assert.equal(missedBetween('a.7', at('b.4')), 3)
})
