import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import { FixedClock, seededRandom } from '@datapunk/testkit'
import { LINK_LIFE, SESSION_LIFE, Sessions } from './sessions.ts'

let clock: FixedClock
let kept: string | undefined
/** What the disk says, instead of taking what it is given. */
let refused: { save?: Error; clear?: Error }
let told: string[]
let sessions: Sessions

function opened(): Sessions {
  return new Sessions({
    clock: clock.now,
    randomBytes: random,
    store: {
      place: '/state/console-sessions.json',
      load: () => kept,
      save(text) {
        if (refused.save !== undefined) throw refused.save
        kept = text
      },
      clear() {
        if (refused.clear !== undefined) throw refused.clear
        kept = undefined
      },
    },
    onNotKept: ({ message }) => void told.push(message),
  })
}

let random: (length: number) => Uint8Array
beforeEach(() => {
  clock = new FixedClock()
  random = seededRandom('sessions')
  kept = undefined
  refused = {}
  told = []
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

  test('that has ended is kept no longer than until the next login', () => {
    for (const _ of [1, 2]) sessions.logIn(sessions.link({ readOnly: false }).token)
    clock.advance(SESSION_LIFE)
    sessions.logIn(sessions.link({ readOnly: false }).token)
    assert.equal(JSON.parse(kept ?? '').length, 1)
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

describe('on a disk that refuses', () => {
  const full = new Error('ENOSPC: no space left on device, write')
  const logIn = () => sessions.logIn(sessions.link({ readOnly: false }).token).session

  test('whoever logs in is in, until a restart, and that is told', () => {
    refused = { save: full }
    const session = logIn()
    assert.ok(sessions.find(session, undefined))
    assert.equal(opened().find(session, undefined), undefined)
    assert.match(
      told.join(),
      /^the console can’t write down who is logged in: ENOSPC.*logged out by its next start/,
    )
  })

  test('whoever logs out is out, after a restart too, with everybody else', () => {
    const [one, other] = [logIn(), logIn()]
    refused = { save: full }
    const said = { code: 'SESSIONS_NOT_KEPT', message: /ENOSPC.*Its next start logs out everybody/ }
    assert.throws(() => sessions.logOut(one), said)
    assert.equal(sessions.find(one, undefined), undefined)
    assert.ok(sessions.find(other, undefined))
    assert.deepEqual(
      [one, other].map((session) => opened().find(session, undefined)),
      [undefined, undefined],
    )
    assert.match(told.join(), said.message)
  })

  test('even of clearing, whoever logs out is out, and told how to stay it', () => {
    const session = logIn()
    refused = { save: full, clear: full }
    const message = /would let you in again: `rm \/state\/console-sessions.json`/
    assert.throws(() => sessions.logOut(session), { code: 'SESSIONS_NOT_KEPT', message })
    assert.equal(sessions.find(session, undefined), undefined)
  })

  test('and then takes files again, what is kept is true', () => {
    const [one, other] = [logIn(), logIn()]
    refused = { save: full }
    assert.throws(() => sessions.logOut(one), { code: 'SESSIONS_NOT_KEPT' })
    refused = {}
    const last = logIn()
    assert.deepEqual(
      [one, other, last].map((session) => opened().find(session, undefined) !== undefined),
      [false, true, true],
    )
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

  test('ends for very many others of its operator, and for no other operator’s', () => {
    const [first, second] = [sessions.logInOperator(alice), sessions.logInOperator(alice)]
    const byLink = sessions.logIn(sessions.link({ readOnly: false }).token)
    for (let count = 0; count < 200; count++) sessions.logInOperator({ operator: 'bob', readOnly: true })
    assert.ok(sessions.find(first.session, alice))
    assert.ok(sessions.find(byLink.session, undefined))
    for (let count = 0; count < 63; count++) sessions.logInOperator(alice)
    assert.equal(sessions.find(first.session, alice), undefined)
    assert.ok(sessions.find(second.session, alice))
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
