import assert from 'node:assert/strict'
import { once } from 'node:events'
import { statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { layoutOf } from '@datapunk/protocol'
import { atEnd } from '@datapunk/testkit'
import { AuthorityReader } from '../authority-reader.ts'
import {
  clock,
  configIn,
  isCode,
  no,
  openAuthority,
  temporaryFolder,
  yes,
} from '../testing/test-authority.ts'
import { connectAdmin } from './connect-admin.ts'
import { readEvents } from './read-events.ts'
import { serveAdmin } from './serve-admin.ts'

describe('an authority over its socket', () => {
  async function served(t: TestContext, dir: string, services: Record<string, unknown>) {
    const config = configIn(dir, services)
    const authority = await openAuthority(config)
    const socket = layoutOf(config).authority.adminSocket
    const admin = await serveAdmin(authority, socket)
    const close = async () => {
      await admin.close()
      await authority.close()
    }
    atEnd(t, close)
    const client = await connectAdmin(socket, { purpose: 'issue', uid: 1000 })
    assert.ok(client !== undefined)
    return { authority, client, socket, close }
  }

  test('everything can be asked, and nobody else may connect', async (t) => {
    const { client, socket, close } = await served(t, temporaryFolder(), { lake: {} })
    assert.equal(statSync(socket).mode & 0o077, 0)
    assert.equal((await client.plan()).actions[0]?.kind, 'create-mesh')
    assert.equal((await client.apply(no)).bundle, '1.2')
    const issued = await client.issue('lake')
    assert.equal((await client.status()).services[0]?.serial, issued.serial)
    assert.deepEqual(await client.purge(), [])
    await assert.rejects(() => client.issue('nobody'), isCode('NOT_A_MEMBER'))
    await close()
    assert.equal(await connectAdmin(socket, { purpose: 'issue' }), undefined)
  })

  test('whoever takes the call and says nothing is not waited for', async (t) => {
    const socket = join(temporaryFolder(), 'admin.sock')
    const server = createServer(() => {}).listen(socket)
    atEnd(t, () => server.close())
    await once(server, 'listening')
    await assert.rejects(connectAdmin(socket, { purpose: 'status' }, 100), {
      code: 'ADMIN_SILENT',
      message: /at .*admin\.sock that has said nothing for 0\.1 s/,
    })
  })

  test('whoever hangs up is told from nobody at all', async (t) => {
    const socket = join(temporaryFolder(), 'admin.sock')
    const asker = { purpose: 'status' }
    const server = createServer((connection) => connection.destroy()).listen(socket)
    atEnd(t, () => server.close())
    await once(server, 'listening')
    const hangsUp = {
      code: 'ADMIN_SILENT',
      message:
        /admin\.sock that takes no call, or hangs up without an answer \((ECONNRESET|EPIPE)\).*ulimit -n/,
    }
    await assert.rejects(connectAdmin(socket, asker), hangsUp)
    await assert.rejects(readEvents(socket, { after: null, follow: false, asker }).next(), hangsUp)
    server.close()
    await once(server, 'close')
    assert.equal(await connectAdmin(socket, asker), undefined)
  })

  test('what is asked is recorded as claimed, and what nobody asked as the authority’s own', async (t) => {
    const dir = temporaryFolder()
    const { authority, client, close } = await served(t, dir, { lake: {} })
    await authority.apply(no)
    await Promise.all([client.issue('lake'), authority.issue('lake')])
    await close()
    const reader = new AuthorityReader({ config: configIn(dir, { lake: {} }), clock: () => clock.now() })
    const rows = [...reader.audit({ service: 'lake' })]
    assert.deepEqual(reader.verifyAudit().faults, [])
    reader.close()
    assert.deepEqual(
      rows
        .filter(({ deed }) => deed === 'issued' || deed === 'renewed')
        .map(({ actor, deed }) => [deed, actor]),
      [
        ['issued', 'test uid 7'],
        ['renewed', 'test uid 7'],
        ['renewed', 'issue uid 1000 claimed'],
      ],
    )
  })

  test('a yes is for what was shown, and for nothing else', async (t) => {
    const dir = temporaryFolder()
    const { authority, client, close } = await served(t, dir, { lake: {}, stream: {}, nexus: {} })
    await client.apply(no)
    authority.configure(configIn(dir, { lake: {}, nexus: {} }))
    assert.equal((await client.apply(no)).declined.length, 1)
    const changing = {
      approve: () => {
        authority.configure(configIn(dir, { lake: {} }))
        return true
      },
    }
    await assert.rejects(() => client.apply(changing), isCode('PLAN_CHANGED'))
    assert.equal((await client.status()).services.length, 3)
    assert.deepEqual(
      (await client.apply(yes)).done.map(({ kind, subject }) => `${kind} ${subject}`),
      ['remove-service nexus', 'remove-service stream', 'publish mesh', 'publish-lists mesh'],
    )
    assert.equal((await client.status()).services.length, 1)
    await close()
  })

  test('works where the path is longer than a socket’s may be', async (t) => {
    const { client, socket, close } = await served(t, join(temporaryFolder(), 'x'.repeat(120)), { lake: {} })
    assert.ok(socket.length > 107)
    assert.equal((await client.apply(no)).bundle, '1.2')
    await close()
  })

  test('a socket that a killed authority left behind is in nobody’s way', async (t) => {
    const dir = temporaryFolder()
    const first = await served(t, dir, { lake: {} })
    await first.close()
    writeFileSync(first.socket, '')
    const second = await served(t, dir, { lake: {} })
    await second.close()
  })
})
