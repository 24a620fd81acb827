import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { close, listen } from './listen.ts'
import { parsePlace } from './place.ts'

test('a port in use is said in words, with what to change', async () => {
  const first = createServer()
  const where = await listen(first, { host: '127.0.0.1', port: 0 }, 'X')
  const port = Number(where.split(':')[1])
  await assert.rejects(listen(createServer(), { host: '127.0.0.1', port }, 'the setting X'), {
    message: `found 127.0.0.1:${port} in use by another process; allowed: a free port: stop what listens there, or change the setting X`,
  })
  await close(first)
})

test('places are read, and what is none is refused', () => {
  assert.deepEqual(parsePlace('127.0.0.1:0'), { host: '127.0.0.1', port: 0 })
  assert.deepEqual(parsePlace('[::1]:8080'), { host: '::1', port: 8080 })
  for (const text of ['', '8080', 'localhost', 'localhost:65536', '::1:80', 'a:b'])
    assert.throws(() => parsePlace(text))
})
