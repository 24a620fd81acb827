import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type LimboCase, limboVerdict, type Outcome } from './limbo.ts'

interface Exception {
  readonly expected: Outcome
  readonly actual: Outcome
  readonly reason: string
}

const exceptions: Record<string, Exception> = JSON.parse(
  readFileSync(new URL('./exceptions.json', import.meta.url), 'utf8'),
)

/**
 * The whole suite, where `X509_LIMBO` names its limbo.json; otherwise the families that lie beside the
 * repository.
 */
const file =
  process.env.X509_LIMBO ?? fileURLToPath(new URL('../../shared/vectors/x509-limbo-32.json', import.meta.url))
const present = existsSync(file)

describe('x509-limbo', { skip: present ? false : 'the vectors do not lie beside this repository' }, () => {
  const { testcases }: { testcases: LimboCase[] } = present
    ? JSON.parse(readFileSync(file, 'utf8'))
    : { testcases: [] }

  for (const limboCase of testcases) {
    it(limboCase.id, () => {
      const { outcome, reason } = limboVerdict(limboCase, Date.now())
      const exception = exceptions[limboCase.id]
      if (exception !== undefined) {
        assert.equal(exception.expected, limboCase.expected_result, 'the suite expects something else by now')
        assert.notEqual(
          outcome,
          exception.expected,
          'it does as the suite expects: take it out of exceptions.json',
        )
      }
      assert.equal(outcome, exception?.actual ?? limboCase.expected_result, reason)
    })
  }
})

it('every exception differs from what is expected, and says why', () => {
  for (const [id, { expected, actual, reason }] of Object.entries(exceptions)) {
    assert.notEqual(expected, actual, id)
    assert.ok(reason.length > 20, id)
  }
})
