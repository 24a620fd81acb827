import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { actorText, askedBy, askerNow, encodeAsker, parseAsker } from './asker.ts'

test('what is proven and what is claimed are told apart', () => {
  assert.equal(actorText({ purpose: 'apply', uid: 0 }, 'proven'), 'apply uid 0')
  assert.equal(actorText({ purpose: 'revoke', uid: 1000 }, 'claimed'), 'revoke uid 1000 claimed')
  assert.equal(actorText({ purpose: 'up' }, 'proven'), 'up')
  assert.equal(actorText({ purpose: 'issue' }, 'claimed'), 'issue claimed')
})

test('an asker comes back from a header', () => {
  for (const asker of [
    { purpose: 'issue', uid: 1000 },
    { purpose: 'restore-all', uid: undefined },
    { purpose: `console-${'a'.repeat(61)}-2`, uid: 0 },
  ])
    assert.deepEqual(parseAsker(encodeAsker(asker)), asker)
})

test('a header of any other shape is of nobody who is known', () => {
  for (const header of [
    undefined,
    '',
    'apply',
    'apply -1',
    'apply 1 2',
    'Apply 1',
    'a\nb 1',
    `${'a'.repeat(72)} 1`,
    ['apply 1'],
  ])
    assert.deepEqual(parseAsker(header), { purpose: 'unknown' })
  fc.assert(
    fc.property(fc.string(), (header) =>
      assert.match(actorText(parseAsker(header), 'claimed'), /^[a-z0-9-]+( uid \d+)? claimed$/),
    ),
  )
})

test('deeds know for whom they were begun, however long they take', async () => {
  const later = async () => {
    await Promise.resolve()
    return askerNow()
  }
  assert.deepEqual(await Promise.all([askedBy('one', later), askedBy('other', later), later()]), [
    'one',
    'other',
    undefined,
  ])
})
