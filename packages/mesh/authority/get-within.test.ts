import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { AuthorityRoute } from './authority-route.ts'
import { getWithin } from './get-within.ts'

for (const status of [200, 404]) {
  test(`a request that was answered with ${status} leaves nothing behind`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'get-within-'))
    atEnd(t, () => rmSync(folder, { recursive: true }))
    const socket = join(folder, 'mesh.sock')
    const server = createServer((_request, response) => response.writeHead(status).end('answer'))
    await once(server.listen(socket), 'listening')
    atEnd(t, () => server.close())
    const clock = new FixedClock()
    const unexpected = () => assert.fail('nobody is refused, and nothing is known')
    const place = () => ({ socket, address: undefined })
    const route = new AuthorityRoute({ place, clock, refused: unexpected, current: unexpected })
    const { mock } = t.mock.method(route, 'connect')
    const { signal } = new AbortController()

    const asked = getWithin(route, '/', { clock, signal, patience: 1000, maxBytes: 100 })
    if (status === 200) assert.equal(Buffer.from((await asked).bytes).toString(), 'answer')
    else await assert.rejects(asked, { message: '404' })
    const [ending] = mock.calls[0]!.arguments
    assert.deepEqual(getEventListeners(ending, 'abort'), [])
  })
}
