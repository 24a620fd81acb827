import assert from 'node:assert/strict'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import type { Mesh } from '@datapunk/mesh'
import { gateway } from './gateway.ts'
import { router } from './router.ts'

const asked: { url: string; body: unknown }[] = []
let down = false
const now = Date.UTC(2026, 0, 1)

const fetchOfMesh = (async (url: string, init: { body?: unknown } = {}) => {
  if (down) throw new Error('found nobody')
  asked.push({ url, body: init.body })
  return Response.json({ records: [] }, { status: 202 })
}) as unknown as Mesh['fetch']

const overview = () => ({ at: 'now', calls: [], services: [] })
const server = createServer(router(gateway(fetchOfMesh, overview, () => now)))
let origin = ''

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => server.close())

function post(body: string, type = 'application/json') {
  return fetch(`${origin}/events`, { method: 'POST', headers: { 'content-type': type }, body })
}

test('events go to stream with the time they came', async () => {
  const reply = await post('{"source":"a","value":1}')
  assert.equal(reply.status, 202)
  assert.deepEqual(asked.at(-1), {
    url: 'https://stream.service.datapunk/events',
    body: '[{"source":"a","value":1,"at":"2026-01-01T00:00:00.000Z"}]',
  })
})

test('queries go to lake as they are, where they are well formed', async () => {
  await fetch(`${origin}/records?source=a&limit=3`)
  assert.equal(asked.at(-1)?.url, 'https://lake.service.datapunk/records?source=a&limit=3')
  const refused = await fetch(`${origin}/records?limit=0`)
  assert.equal(refused.status, 400)
  assert.equal(refused.headers.get('content-type'), 'application/problem+json')
})

test('a body too large is answered', async () => {
  const reply = await post(`"${'x'.repeat(700_000)}"`)
  assert.equal(reply.status, 413)
  assert.equal(((await reply.json()) as { code: string }).code, 'TOO_LARGE')
})

test('a service that can not be reached is a 502 that says which', async () => {
  down = true
  const reply = await fetch(`${origin}/records`)
  down = false
  assert.equal(reply.status, 502)
  const { code, detail } = (await reply.json()) as { code: string; detail: string }
  assert.equal(code, 'SERVICE_UNREACHABLE')
  assert.match(detail, /lake\.service\.datapunk/)
})

test('other paths and methods are told what there is', async () => {
  assert.equal((await fetch(`${origin}/nothing`)).status, 404)
  assert.equal((await fetch(`${origin}/constructor`)).status, 404)
  assert.equal((await fetch(`${origin}/events`)).status, 405)
  assert.equal((await fetch(`${origin}/overview`, { method: 'HEAD' })).status, 200)
})

test('the page is shown, and may do nothing but ask here', async () => {
  const reply = await fetch(origin)
  assert.match(await reply.text(), /^<!doctype html>/)
  assert.match(reply.headers.get('content-security-policy') ?? '', /default-src 'none'/)
})

test('a foreign name that points here is refused', async () => {
  for (const [host, status] of [
    ['evil.example', 421],
    ['localhost:1', 200],
    ['[::1]:1', 200],
  ] as const) {
    const reply = await new Promise<number | undefined>((resolve, reject) =>
      request(`${origin}/overview`, { headers: { host } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end(),
    )
    assert.equal(reply, status)
  }
})
