import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import { FixedClock, seededRandom } from '@datapunk/testkit'
import { LINK_LIFE, SESSION_LIFE, Sessions } from './sessions.ts'

let clock: FixedClock
let kept: string | undefined
let sessions: Sessions

function opened(): Sessions {
  return new Sessions({
    clock: clock.now,
    randomBytes: random,
    load: () => kept,
    save: (text) => {
      kept = text
    },
  })
}

let random: (length: number) => Uint8Array
beforeEach(() => {
  clock = new FixedClock()
  random = seededRandom('sessions')
  kept = undefined
  sessions = opened()
})

describe('a link', () => {
  test('lets one browser in, once', () => {
    const { token, endsAt } = sessions.link({ readOnly: false })
    assert.equal(endsAt, clock.now() + LINK_LIFE)
    const { session, ...rest } = sessions.logIn(token)
    assert.deepEqual(rest, { readOnly: false, endsAt: clock.now() + SESSION_LIFE })
    assert.equal(sessions.find(session, undefined)?.readOnly, false)
    assert.throws(() => sessions.logIn(token), { code: 'LINK_INVALID', message: /mtls console/ })
  })

  test('ends after five minutes', () => {
    const { token } = sessions.link({ readOnly: false })
    clock.advance(LINK_LIFE)
    assert.throws(() => sessions.logIn(token), { code: 'LINK_INVALID' })
  })

  test('gives no more than it says', () => {
    const { session } = sessions.logIn(sessions.link({ readOnly: true }).token)
    assert.equal(sessions.find(session, undefined)?.readOnly, true)
  })

  test('is no session, and a session is no link', () => {
    const { token } = sessions.link({ readOnly: false })
    assert.equal(sessions.find(token, undefined), undefined)
    const { session } = sessions.logIn(token)
    assert.throws(() => sessions.logIn(session), { code: 'LINK_INVALID' })
  })

  test('of very many, the oldest goes', () => {
    const links = Array.from({ length: 33 }, () => sessions.link({ readOnly: false }).token)
    assert.throws(() => sessions.logIn(links[0]!), { code: 'LINK_INVALID' })
    assert.ok(sessions.logIn(links[1]!))
  })
})

describe('a session', () => {
  test('ends after twelve hours, or when somebody logs out', () => {
    const [one, other] = [0, 0].map(() => sessions.logIn(sessions.link({ readOnly: false }).token).session)
    sessions.logOut(one!)
    assert.deepEqual(
      [sessions.find(one!, undefined), sessions.find(other!, undefined)?.readOnly],
      [undefined, false],
    )
    clock.advance(SESSION_LIFE)
    assert.equal(sessions.find(other!, undefined), undefined)
  })

  test('outlives a restart; what is kept lets nobody in', () => {
    const { token } = sessions.link({ readOnly: true })
    const { session } = sessions.logIn(token)
    for (const secret of [session, token]) assert.ok(!kept?.includes(secret))
    assert.ok(kept?.includes(createHash('sha256').update(session).digest('hex')))
    assert.equal(opened().find(session, undefined)?.readOnly, true)
    assert.throws(() => opened().logIn(token), { code: 'LINK_INVALID' })
  })

  for (const text of ['', '{', '{}', '[[1,2]]', '[["00",{"readOnly":false,"endsAt":9e99}]]'])
    test(`kept as ${JSON.stringify(text)} is none`, () => {
      kept = text
      assert.equal(opened().find('00', undefined), undefined)
    })

  test('of very many, the oldest ends', () => {
    const all = Array.from({ length: 65 }, () => sessions.logIn(sessions.link({ readOnly: false }).token))
    assert.equal(sessions.find(all[0]!.session, undefined), undefined)
    assert.ok(sessions.find(all[1]!.session, undefined))
  })
})

describe('a session of an operator', () => {
  const alice = { operator: 'alice', readOnly: false }

  test('is that operator’s alone', () => {
    const { session, readOnly } = sessions.logInOperator(alice)
    assert.deepEqual([readOnly, sessions.find(session, alice)], [false, { readOnly: false }])
    assert.equal(sessions.find(session, { ...alice, operator: 'bob' }), undefined)
    assert.equal(sessions.find(session, undefined), undefined)
    assert.equal(opened().find(session, alice)?.readOnly, false)
  })

  test('is not the session of whoever came by a link', () => {
    const { session } = sessions.logIn(sessions.link({ readOnly: false }).token)
    assert.equal(sessions.find(session, alice), undefined)
  })

  test('may do what its operator may, then and now', () => {
    const looking = { ...alice, readOnly: true }
    const [full, lesser] = [sessions.logInOperator(alice), sessions.logInOperator(looking)]
    assert.equal(sessions.find(full.session, looking)?.readOnly, true)
    assert.equal(sessions.find(lesser.session, alice)?.readOnly, true)
  })

  test('ends', () => {
    const { session } = sessions.logInOperator(alice)
    clock.advance(SESSION_LIFE)
    assert.equal(sessions.find(session, alice), undefined)
  })
})
