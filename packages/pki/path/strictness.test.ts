import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lintRules } from '../lint/rules.ts'
import { refusingRules, strictness } from './strictness.ts'

describe('strictness', () => {
  it('decides about every rule of the linter, and about nothing else', () => {
    assert.deepEqual(Object.keys(strictness).sort(), lintRules.map(({ name }) => name).sort())
  })

  it('gives a reason wherever it does not simply refuse', () => {
    for (const [name, { decision, profiles, why }] of Object.entries(strictness)) {
      const plain = decision !== 'elsewhere' && decision !== 'ours only' && profiles === undefined
      assert.ok(plain || (why !== undefined && why.length > 10), name)
    }
  })

  it('asks for version 3 first', () => {
    for (const profile of ['root', 'issuing-ca', 'leaf'] as const) {
      assert.equal(refusingRules(profile)[0]?.rule.name, 'version-is-3')
    }
  })
})
