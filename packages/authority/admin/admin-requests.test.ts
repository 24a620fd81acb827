import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Authority } from '../authority.ts'
import { adminVersion, VERSION } from './admin-version.ts'
import { serveAdmin } from './serve-admin.ts'

/** An authority that remembers what it was asked for, and does nothing. */
function fakeAuthority(asked: unknown[]): Authority {
  const answer = async (...request: unknown[]) => {
    asked.push(request)
    return {}
  }
  const alone = { checkPlace: () => {} } as Authority
  return new Proxy(alone, { get: (own, name) => Reflect.get(own, name) ?? answer })
}

describe('the admin socket', () => {
  const asked: unknown[] = []
  let folder: string
  let socketPath: string
  let admin: { close(): Promise<void> }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mtls-admin-'))
    socketPath = join(folder, 'admin.sock')
    admin = await serveAdmin(fakeAuthority(asked), socketPath)
  })
  after(async () => {
    await admin.close()
    rmSync(folder, { recursive: true })
  })

  async function ask(
    name: string,
    body: string | Uint8Array,
    headers: Readonly<Record<string, string>> = { [VERSION]: adminVersion },
  ): Promise<[status: number, code: string]> {
    const { promise, resolve, reject } = Promise.withResolvers<[number, string]>()
    const asking = { socketPath, path: `/${name}`, method: 'POST', agent: false, headers } as const
    const call = request(asking, async (answer) => {
      const text = Buffer.concat(await answer.toArray()).toString()
      resolve([answer.statusCode ?? 0, (JSON.parse(text) as { code?: string }).code ?? ''])
    })
    call.on('error', reject)
    call.end(body)
    return promise
  }

  const refused: readonly (readonly [name: string, body: string | Uint8Array])[] = [
    ['issue', '{'],
    ['issue', Buffer.from('{"service":"\xff"}', 'latin1')],
    ['issue', ''],
    ['issue', 'null'],
    ['issue', '[]'],
    ['issue', '{"service":["lake"]}'],
    ['issue', '{"service":"lake","more":1}'],
    ['issue', `{"service":"${'x'.repeat(2 * 1024 * 1024)}"}`],
    ['status', '{}'],
    ['purge', '{"all":true}'],
    ['apply', '{"approved":true}'],
    ['rotate', '{"what":"back","service":"lake","without":[]}'],
    ['rotate', '{"what":"root"}'],
    ['rotate', '{"what":"compromised","kind":"leaf"}'],
    ['revoke', '{"targets":[],"reason":"superseded"}'],
    ['revoke', '{"targets":[{"service":"lake"}],"reason":"certificate-hold"}'],
    ['revoke', '{"targets":[{"service":"lake","serial":"00"}],"reason":"superseded"}'],
    ['enforcement', '{"bundle":{"generation":1,"counter":-1},"wait":1}'],
    ['suspend-pins', '{"span":"1h"}'],
    ['backup', '{"file":1}'],
    ['console-link', '{"readOnly":"no"}'],
  ]
  for (const [name, body] of refused)
    test(`refuses ${name} ${Buffer.from(body).toString('latin1').slice(0, 60)}`, async () => {
      assert.deepEqual(await ask(name, body), [409, 'REQUEST_INVALID'])
      assert.deepEqual(asked, [])
    })

  test('does nothing that a command of another version asks for, or one that does not say which', async () => {
    const asks = [
      ['issue', '{"service":"lake"}'],
      ['backup', '{}'],
      ['ping', ''],
      ['a-call-of-then', '{}'],
    ] as const
    for (const [name, body] of asks)
      for (const headers of [{}, { [VERSION]: '0.0.9, protocol 0, schema 1' }])
        assert.deepEqual(await ask(name, body, headers), [409, 'VERSION_OTHER'], name)
    assert.deepEqual(asked, [])
  })

  test('knows no other call, whatever objects have besides', async () => {
    for (const name of ['', 'nothing', 'constructor', '__proto__', 'toString'])
      assert.equal((await ask(name, '{}'))[0], 404, name)
  })

  test('does what it is asked for', async () => {
    assert.deepEqual(await ask('issue', '{"service":"lake"}'), [200, ''])
    assert.deepEqual(await ask('rotate', '{"what":"root","without":["lake"]}'), [200, ''])
    assert.deepEqual(asked.splice(0), [['lake'], [{ what: 'root', without: ['lake'] }]])
  })
})
