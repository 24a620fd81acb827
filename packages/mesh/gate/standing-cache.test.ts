import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Standing } from './standing.ts'
import { StandingCache } from './standing-cache.ts'

describe('StandingCache', () => {
  const standing = (notBefore: number, notAfter: number) => ({ notBefore, notAfter }) as Standing

  const counting = () => {
    const cache = new StandingCache()
    let examined = 0
    const ask = (
      fingerprint: string,
      at: number,
      found = standing(10, 2000),
      usage = 'clientAuth' as const,
    ) =>
      cache.of(fingerprint, usage, at, () => {
        examined++
        return found
      })
    return { cache, ask, examined: () => examined }
  }

  test('examines a certificate once', () => {
    const { ask, examined } = counting()
    assert.equal(ask('a', 15), ask('a', 16))
    assert.equal(examined(), 1)
  })

  test('examines it anew outside the time it was good for', () => {
    const { ask, examined } = counting()
    ask('a', 10)
    ask('a', 2999)
    assert.equal(examined(), 1, 'it is good during all of its last second')
    ask('a', 3000)
    ask('a', 9)
    assert.equal(examined(), 3)
  })

  test('examines it apart for serving and for calling', () => {
    const { cache, ask, examined } = counting()
    ask('a', 15)
    let served = 0
    cache.of('a', 'serverAuth', 15, () => {
      served++
      return standing(10, 20)
    })
    assert.deepEqual([examined(), served], [1, 1])
  })

  test('keeps no refusal', () => {
    const cache = new StandingCache()
    const refuse = () =>
      cache.of('a', 'clientAuth', 15, () => {
        throw new Error('refused')
      })
    assert.throws(refuse)
    assert.throws(refuse)
    assert.deepEqual(
      cache.of('a', 'clientAuth', 15, () => standing(10, 20)),
      standing(10, 20),
    )
  })

  test('is bounded', () => {
    const { ask, examined } = counting()
    for (let index = 0; index <= 4096; index++) ask(String(index), 15)
    ask('4096', 15)
    assert.equal(examined(), 4097)
    ask('0', 15)
    assert.equal(examined(), 4098)
  })
})
