import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { type Guard, router } from './router.ts'

let handled = 0
const guard: Guard = (request, response, next) => {
  if (request.headers.authorization === 'yes') return next()
  response.statusCode = 403
  response.end()
}
const server = createServer(
  router({
    'GET /guarded': [
      guard,
      () => {
        handled++
        return { body: 'in' }
      },
    ],
    'GET /broken': () => {
      throw new Error('a secret of the inside')
    },
  }),
)
let origin = ''

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => server.close())

test('a handler behind a guard runs only when the guard goes on', async () => {
  assert.equal((await fetch(`${origin}/guarded`)).status, 403)
  assert.equal(handled, 0)
  const reply = await fetch(`${origin}/guarded`, { headers: { authorization: 'yes' } })
  assert.equal(await reply.text(), 'in')
  assert.equal(handled, 1)
})

test('a fault of the service is told to its log and not to the caller', async (context) => {
  const logged = context.mock.method(console, 'error', () => {})
  const reply = await fetch(`${origin}/broken`)
  assert.equal(reply.status, 500)
  assert.doesNotMatch(await reply.text(), /secret/)
  assert.equal(logged.mock.callCount(), 1)
})
