import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MeshError } from '../error.ts'
import type { OfferedDocument } from './offered-documents.ts'
import { WaitingDocuments } from './waiting-documents.ts'

const MiB = 1024 * 1024
const reason = new MeshError('BUNDLE_MISSING', 'it did not come')

const head = (text: string): OfferedDocument => ({ type: 'head', document: Buffer.from(text) })
const statement = (text: string): OfferedDocument => ({
  type: 'trust-statement',
  document: Buffer.from(text),
})

function waitingFor(...documents: OfferedDocument[]): WaitingDocuments {
  const waiting = new WaitingDocuments()
  for (const document of documents) waiting.add(document)
  return waiting
}

const texts = (waiting: WaitingDocuments) => [...waiting].map(({ document }) => `${document}`).join()

test('heads wait in their order until one of them fails: then for the newest alone', () => {
  const [one, two, three] = [head('1'), head('2'), head('3')]
  const waiting = waitingFor(one, two, statement('t'), three)
  assert.equal(texts(waiting), '1,2,t,3')
  waiting.failed(one, reason)
  assert.equal(texts(waiting), 't,3')
  assert.deepEqual(waiting.reasons, [])
  waiting.failed(three, reason)
  assert.deepEqual(waiting.reasons, [reason])
  waiting.add(head('4'))
  assert.equal(texts(waiting), 't,4')
  waiting.failed(three, reason)
  assert.deepEqual(waiting.reasons, [], 'what waits no more is no reason')
})

test('trust statements wait until they are believed, each once', () => {
  const one = statement('1')
  const waiting = waitingFor(one, statement('2'))
  for (const document of waiting) waiting.failed(document, reason)
  waiting.add(statement('1'))
  assert.equal(texts(waiting), '1,2')
  waiting.believed(one)
  assert.equal(texts(waiting), '2')
  assert.equal(waiting.size, 1)
})

test('the oldest gives way where there are more than ever were', () => {
  const large = Array.from({ length: 40 }, (_, n) => statement(`${n}`.padEnd(MiB / 2)))
  const waiting = waitingFor(...large)
  assert.equal(waiting.size, 32)
  assert.equal([...waiting].at(-1), large.at(-1))
})
