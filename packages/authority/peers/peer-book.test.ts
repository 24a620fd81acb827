import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FixedClock } from '@datapunk/testkit'
import { PeerBook } from './peer-book.ts'

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
