import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readLines } from './lines.ts'

async function* inPieces(pieces: readonly string[]) {
  yield* pieces
}

test('lines are the same however the text is cut up', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.constantFrom('a', 'é', '\n', '{}')).map((all) => all.join(''))),
      async (pieces) => {
        const whole = pieces.join('').split('\n').slice(0, -1)
        assert.deepEqual(await Array.fromAsync(readLines(inPieces(pieces))), whole)
      },
    ),
  )
})

test('a line that does not end is not held for ever', async () => {
  const endless = inPieces(Array.from({ length: 100 }, () => 'x'.repeat(100)))
  await assert.rejects(Array.fromAsync(readLines(endless, 1000)), { code: 'STREAM_MALFORMED' })
})
