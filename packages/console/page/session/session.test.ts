import assert from 'node:assert/strict'
import { afterEach, describe, mock, test } from 'node:test'
import { enter as enterUntil, leave, type SessionPlace } from './session.ts'

const token = 'a'.repeat(43)
const session = { session: 'b'.repeat(43), readOnly: false, endsAt: 1 }

/** A browser at an address, that remembers what it did first. */
function browserAt(hash: string, kept?: string, protocol = 'http:') {
  const items = new Map(kept === undefined ? [] : [['session', kept]])
  const addresses: unknown[] = []
  const place: SessionPlace = {
    location: { hash, pathname: '/', search: '', protocol },
    history: { replaceState: (_data, _unused, url) => addresses.push(url) },
    storage: {
      getItem: (name) => items.get(name) ?? null,
      setItem: (name, value) => void items.set(name, value),
      removeItem: (name) => void items.delete(name),
    },
  }
  return { place, items, addresses }
}

const enter = (place: SessionPlace) => enterUntil(place, new AbortController().signal)

function consoleAnswers(status: number, body: unknown, onAsked: () => void = () => undefined) {
  return mock.method(globalThis, 'fetch', async () => {
    onAsked()
    return new Response(JSON.stringify(body), { status })
  })
}

describe('enter', () => {
  afterEach(() => mock.restoreAll())

  test('takes the token from the address before it is sent, and keeps the session', async () => {
    const { place, items, addresses } = browserAt(`#${token}`)
    const fetched = consoleAnswers(200, session, () => assert.deepEqual(addresses, ['/']))
    assert.deepEqual(await enter(place), { kind: 'open', session })
    assert.deepEqual(JSON.parse(items.get('session')!), session)
    const [path, init] = fetched.mock.calls[0]!.arguments as unknown as [string, RequestInit]
    assert.equal(path, '/api/session')
    assert.equal(init.body, JSON.stringify({ token }))
  })

  test('says why a token is refused, and forgets an earlier session', async () => {
    const { place, items } = browserAt(`#${token}`, JSON.stringify(session))
    consoleAnswers(403, { code: 'LINK_INVALID', message: 'found a link that was used before' })
    const reason = 'found a link that was used before'
    assert.deepEqual(await enter(place), { kind: 'shut', reason, by: 'link' })
    assert.equal(items.size, 0)
  })

  test('lets in who was here before, and asks nobody', async () => {
    const fetched = consoleAnswers(200, session)
    assert.deepEqual(await enter(browserAt('', JSON.stringify(session)).place), { kind: 'open', session })
    assert.equal(fetched.mock.callCount(), 0)
  })

  test('what was kept and can’t be read lets nobody in', async () => {
    const { place, items } = browserAt('', '{')
    assert.deepEqual(await enter(place), { kind: 'shut', reason: undefined, by: 'link' })
    assert.equal(items.size, 0)
  })

  test('without either says what to do', async () => {
    assert.deepEqual(await enter(browserAt('').place), { kind: 'shut', reason: undefined, by: 'link' })
  })

  test('over TLS lets in whoever has shown a certificate, and asks for nothing else', async () => {
    const { place, items } = browserAt('', undefined, 'https:')
    const fetched = consoleAnswers(200, session)
    assert.deepEqual(await enter(place), { kind: 'open', session })
    assert.deepEqual(JSON.parse(items.get('session')!), session)
    const [path, init] = fetched.mock.calls[0]!.arguments as unknown as [string, RequestInit]
    assert.deepEqual([path, init.body], ['/api/session', '{}'])
    await enter(browserAt('', JSON.stringify(session), 'https:').place)
    assert.equal(fetched.mock.callCount(), 1)
  })

  test('over TLS a link is none, and is gone from the address all the same', async () => {
    const { place, addresses } = browserAt(`#${token}`, undefined, 'https:')
    const fetched = consoleAnswers(403, { code: 'NO_SESSION', message: 'no' })
    assert.deepEqual(await enter(place), { kind: 'shut', reason: 'no', by: 'certificate' })
    const [, init] = fetched.mock.calls[0]!.arguments as unknown as [string, RequestInit]
    assert.deepEqual([addresses, init.body], [['/'], '{}'])
  })

  test('says that the console does not answer', async () => {
    mock.method(globalThis, 'fetch', () => Promise.reject(new TypeError('fetch failed')))
    const entry = await enter(browserAt(`#${token}`).place)
    assert.match(entry?.kind === 'shut' ? (entry.reason ?? '') : '', /does not answer/)
  })
})

test('leave forgets the session', () => {
  const { place, items } = browserAt('', JSON.stringify(session))
  leave(place)
  assert.equal(items.size, 0)
})
