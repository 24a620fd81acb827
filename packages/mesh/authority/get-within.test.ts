import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { AuthorityRoute } from './authority-route.ts'
import { getWithin } from './get-within.ts'

/** The way to an authority that gives this answer to everything. */
async function routeTo(t: TestContext, answer: RequestListener) {
  const folder = mkdtempSync(join(tmpdir(), 'get-within-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  const socket = join(folder, 'mesh.sock')
  const server = createServer(answer)
  await once(server.listen(socket), 'listening')
  atEnd(t, () => server.close())
  const clock = new FixedClock()
  const unexpected = () => assert.fail('nobody is refused, and nothing is known')
  const place = () => ({ socket, address: undefined })
  const route = new AuthorityRoute({ place, clock, refused: unexpected, current: unexpected })
  const { signal } = new AbortController()
  return { route, within: { clock, signal, patience: 1000, maxBytes: 100 } }
}

for (const status of [200, 404]) {
  test(`a request that was answered with ${status} leaves nothing behind`, async (t) => {
    const { route, within } = await routeTo(t, (_request, response) =>
      response.writeHead(status).end('answer'),
    )
    const { mock } = t.mock.method(route, 'connect')

    const asked = getWithin(route, '/', within)
    if (status === 200) assert.equal(Buffer.from((await asked).bytes).toString(), 'answer')
    else await assert.rejects(asked, { message: '404' })
    const [ending] = mock.calls[0]!.arguments
    assert.deepEqual(getEventListeners(ending, 'abort'), [])
  })
}

test('an answer of any length is read no further than is allowed', async (t) => {
  const ended = Promise.withResolvers<void>()
  const { route, within } = await routeTo(t, (_request, response) => {
    response.once('close', ended.resolve)
    response.write('x'.repeat(101))
  })
  await assert.rejects(getWithin(route, '/', within), { message: 'over 100 bytes' })
  await ended.promise
})

test('an answer of just the length that is allowed is taken', async (t) => {
  const { route, within } = await routeTo(t, (_request, response) => response.end('x'.repeat(100)))
  assert.equal((await getWithin(route, '/', within)).bytes.byteLength, 100)
})
