import assert from 'node:assert/strict'
import { afterEach, describe, mock, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { PageMessage } from '../page-state.ts'
import { PageSession } from './page-session.ts'

/** A page in a browser, whose logins a test answers one by one; its stream says nothing. */
function openedPage() {
  const items = new Map<string, string>()
  const location = { hash: '', pathname: '/', search: '', protocol: 'http:' }
  const sent: PageMessage[] = []
  const answers: ((status: number, session: string) => void)[] = []
  const streams: unknown[] = []
  mock.method(globalThis, 'fetch', async (path: string, { headers }: RequestInit) => {
    const { promise, resolve } = Promise.withResolvers<Response>()
    if (path === '/api/stream') streams.push(headers)
    else
      answers.push((status, session) =>
        resolve(new Response(JSON.stringify({ session, readOnly: false, endsAt: 1 }), { status })),
      )
    return promise
  })
  const page = new PageSession({
    place: {
      location,
      history: { replaceState: () => undefined },
      storage: {
        getItem: (name) => items.get(name) ?? null,
        setItem: (name, value) => void items.set(name, value),
        removeItem: (name) => void items.delete(name),
      },
    },
    send: (message) => sent.push(message),
    ...{ now: () => 0, after: () => () => undefined, random: () => 0 },
  })
  const come = (token: string) => {
    location.hash = `#${token}`
    void page.begin()
  }
  const answer = async (login: number, status: number) => {
    answers[login]!(status, `session ${login}`)
    await setImmediate()
  }
  const entries = () => sent.flatMap((message) => (message.type === 'entry' ? [message.entry] : []))
  return { page, items, streams, come, answer, entries }
}

const open = (login: number) => ({
  ...{ kind: 'open' },
  session: { session: `session ${login}`, readOnly: false, endsAt: 1 },
})

describe('the session of the page', () => {
  afterEach(() => mock.restoreAll())

  test('is of the link that came last, whichever is answered last', async () => {
    for (const status of [200, 403]) {
      const { items, streams, come, answer, entries } = openedPage()
      come('first')
      come('second')
      await answer(1, 200)
      await answer(0, status)
      assert.deepEqual(entries(), [open(1)])
      assert.deepEqual(streams, [{ authorization: 'Bearer session 1' }])
      assert.deepEqual(JSON.parse(items.get('session')!), open(1).session)
    }
  })

  test('that ends before it has begun stays ended, and is not kept', async () => {
    const { page, items, streams, come, answer, entries } = openedPage()
    come('link')
    page.end('logged out')
    await answer(0, 200)
    assert.deepEqual(entries(), [{ kind: 'shut', reason: 'logged out', by: 'link' }])
    assert.deepEqual([streams, items.size], [[], 0])
  })

  test('is forgotten when it ends', async () => {
    const { page, items, come, answer, entries } = openedPage()
    come('link')
    await answer(0, 200)
    assert.equal(items.size, 1)
    page.end(undefined)
    assert.deepEqual(entries(), [open(0), { kind: 'shut', reason: undefined, by: 'link' }])
    assert.equal(items.size, 0)
  })
})
