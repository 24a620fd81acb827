import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { MAX_BYTES, readJson } from './read-json.ts'

function body(chunks: readonly (string | Uint8Array)[], type = 'application/json') {
  const stream = Readable.from(chunks.map((chunk) => Buffer.from(chunk)))
  return Object.assign(stream, { headers: { 'content-type': type } })
}

test('JSON in pieces is read as one', async () => {
  assert.deepEqual(await readJson(body(['{"a":', '1}'], 'application/json; charset=utf-8')), { a: 1 })
})

test('exactly the allowed size is read, one byte more is refused', async () => {
  const text = `"${'x'.repeat(MAX_BYTES - 2)}"`
  assert.equal(String(await readJson(body([text]))).length, MAX_BYTES - 2)
  await assert.rejects(readJson(body([text, ' '])), { status: 413, code: 'TOO_LARGE' })
})

test('another content type is refused, as a form from a foreign page would have', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
    await assert.rejects(readJson(body(['{}'], type)), { status: 415, code: 'NOT_JSON' })
  }
})

test('a body that is cut off is refused', async () => {
  const request = Object.assign(new Readable({ read() {} }), {
    headers: { 'content-type': 'application/json' },
  })
  const read = readJson(request)
  request.push('{"a":')
  request.destroy()
  await assert.rejects(read, { status: 400, code: 'BODY_CUT' })
})

test('what is no JSON in UTF-8 is refused', async () => {
  for (const bytes of ['', '{', Uint8Array.of(0x22, 0xff, 0x22)]) {
    await assert.rejects(readJson(body([bytes])), { status: 400, code: 'JSON_INVALID' })
  }
})
