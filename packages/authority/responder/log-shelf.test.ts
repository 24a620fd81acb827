import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { generateKeyPair, localSigner, logIdOf, transparencyBudget } from '@datapunk/pki'
import { keyIdOf, layoutOf } from '@datapunk/protocol'
import { atEnd } from '@datapunk/testkit'
import { EMPTY_ROOT, signCheckpoint } from '@datapunk/tlog'
import fc from 'fast-check'
import type { MeshRow, SlotRow, SlotState } from '../store/rows.ts'
import { LogShelf } from './log-shelf.ts'
import type { OcspResponder } from './ocsp-responder.ts'
import { statusServer } from './status-server.ts'

const since = Date.UTC(2026, 5, 1)
const state = mkdtempSync(join(tmpdir(), 'shelf-'))
const layout = layoutOf({ authority: { state } })
const signer = localSigner((await generateKeyPair('ecdsa-p256')).privateKey)
const slot: SlotRow = {
  ...{ id: 'log-1', kind: 'log', state: 'active', algorithm: 'ecdsa-p256', since, leftOut: [] },
  ...{ spki: signer.spki, spkiHash: keyIdOf(signer.spki), certificate: undefined },
  origin: 'authority.service.datapunk/log/1',
}
const slots: SlotRow[] = [slot]
const id = slot.spkiHash.slice(0, 32)
const store = { slots: () => slots, mesh: () => ({ trustDomain: 'service.datapunk' }) as MeshRow }
const shelf = new LogShelf({ store, layout, publicUrl: 'http://authority.example:7480' })
const checkpoint = { origin: slot.origin!, size: 0, root: EMPTY_ROOT, timestamp: since }

let server: ReturnType<typeof statusServer>
let port: number
before(async () => {
  const { public: shown, key } = layout.log(id)
  const files = new Map<string, Uint8Array | string>([
    ['checkpoint', await signCheckpoint(checkpoint, signer)],
    ['tile/0/000.p/3', 'three hashes'],
    ['tile/0/x001/000', 'full'],
    ['tile/data/000.p/3', 'three entries'],
    [`issuer/${'ab'.repeat(32)}`, 'a certificate'],
    ['staging/4-00', 'nobody may see it yet'],
    ['secret', 'a file that has no name of a log'],
  ])
  for (const [path, octets] of files) {
    mkdirSync(dirname(join(shown, path)), { recursive: true })
    writeFileSync(join(shown, path), octets)
  }
  execFileSync('mkfifo', [join(shown, 'tile/0/000.p/4')])
  writeFileSync(key, 'the key')
  const ocsp = {} as OcspResponder
  server = statusServer({ store: store as never, ocsp, logs: shelf, clock: () => since })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})

after(() => {
  server.close()
  server.closeAllConnections()
  rmSync(state, { recursive: true })
})

const get = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${port}${path}`, init)

/** The status of a request whose path nobody puts in order on its way. */
async function statusOf(path: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)
  let answer = ''
  for await (const chunk of socket) answer += chunk
  return answer.split(' ')[1]!
}

describe('a log is read over HTTP', () => {
  const forever = 'public, max-age=31536000, immutable'
  const octets = 'application/octet-stream'
  for (const [path, type, caching, body] of [
    ['tile/0/000.p/3', octets, forever, 'three hashes'],
    ['tile/0/x001/000', octets, forever, 'full'],
    ['tile/data/000.p/3', octets, forever, 'three entries'],
    [`issuer/${'ab'.repeat(32)}`, 'application/pkix-cert', forever, 'a certificate'],
    [
      'checkpoint',
      'text/plain; charset=utf-8',
      'public, max-age=5',
      /^authority\.service\.datapunk\/log\/1\n0\n/,
    ],
  ] as const)
    it(path.slice(0, 20), async () => {
      const answer = await get(`/log/${id}/${path}`)
      assert.equal(answer.status, 200)
      assert.equal(answer.headers.get('content-type'), type)
      assert.equal(answer.headers.get('cache-control'), caching)
      const text = await answer.text()
      if (typeof body === 'string') assert.equal(text, body)
      else assert.match(text, body)
      const head = await get(`/log/${id}/${path}`, { method: 'HEAD' })
      assert.equal(head.headers.get('content-length'), String(Buffer.byteLength(text)))
      assert.equal(await head.text(), '')
    })

  it('and nothing that is not there, or has another name', async () => {
    for (const path of [
      ...[
        'tile/0/000',
        'tile/0/000.p/2',
        'tile/0/000.p/4',
        'tile/0/000.p/03',
        'tile/00/000.p/3',
        'tile/0/x001',
        'tile/0',
        'tile/',
      ],
      ...['staging/4-00', 'secret', '', 'checkpoint/', '.', 'issuer/', `issuer/${'AB'.repeat(32)}`],
      ...['../key.pem', 'tile/../../key.pem', '..%2fkey.pem', '%2e%2e/key.pem', 'tile/0/../../../key.pem'],
      ...['checkpoint%00', 'tile/0/000.p/3/..', '/checkpoint', '..\\key.pem'],
    ])
      assert.equal(await statusOf(`/log/${id}/${path}`), '404', path)
    for (const path of ['/log/', `/log/${id}`, '/log/new/checkpoint', `/log/${'0'.repeat(32)}/checkpoint`])
      assert.equal(await statusOf(path), '404', path)
    const missing = await get(`/log/${id}/tile/0/001`)
    assert.equal(missing.headers.get('cache-control'), 'no-store')
    assert.equal((await get(`/log/${id}/checkpoint`, { method: 'POST' })).status, 404)
  })

  it('and nothing that is larger than what a log writes, nor what lies elsewhere', async () => {
    const { public: shown, key } = layout.log(id)
    const [large, linked] = ['tile/data/000.p/5', 'tile/data/000.p/6']
    writeFileSync(join(shown, large), '')
    truncateSync(join(shown, large), transparencyBudget.tileBytes + 1)
    symlinkSync(key, join(shown, linked))
    for (const path of [large, linked]) assert.equal((await get(`/log/${id}/${path}`)).status, 404, path)
    truncateSync(join(shown, large), 5)
    assert.equal((await (await get(`/log/${id}/${large}`)).bytes()).byteLength, 5)
  })

  it('one answer after the other: who asks for much at once is owed none of it', async () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(`GET /log/${id}/checkpoint HTTP/1.1\r\nhost: x\r\n\r\n`.repeat(4000))
    let answers = ''
    socket.on('data', (text) => (answers += text))
    await new Promise((resolve) => socket.on('close', resolve))
    assert.ok((answers.match(/HTTP\/1\.1 200/g)?.length ?? 0) <= 16)
    assert.equal((await get(`/log/${id}/checkpoint`)).status, 200)
  })

  it('whatever is asked for: never anything but what has a name of a log', async () => {
    const part = fc.constantFrom(
      '..',
      '.',
      'tile',
      '0',
      'data',
      'issuer',
      'checkpoint',
      '000',
      'x001',
      'key.pem',
      '',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(part, fc.string())), async (parts) => {
        const found = await shelf.find(`/log/${id}/${parts.join('/')}`)
        assert.doesNotMatch(Buffer.from(found?.octets ?? []).toString(), /key|secret|nobody/)
      }),
    )
  })
})

describe('a log that runs elsewhere', () => {
  const far = { ...slot, spkiHash: 'ab'.repeat(32), origin: 'log.test:7481/log/ab' }
  const path = (name: string) => `/log/${'ab'.repeat(16)}/${name}`

  it('is passed on to whoever can’t reach it, object by object', async (t) => {
    slots.push(far)
    atEnd(t, () => slots.pop())
    const asked: string[] = []
    const readElsewhere = async (origin: string, name: string) => {
      asked.push(`${origin} ${name}`)
      return name === 'checkpoint' ? Buffer.from('from afar') : undefined
    }
    const relaying = new LogShelf({ store, layout, publicUrl: undefined, readElsewhere })
    const found = await relaying.find(path('checkpoint'))
    assert.deepEqual(Buffer.from(found!.octets).toString(), 'from afar')
    for (const name of ['tile/0/000', 'key.pem', '../checkpoint'])
      assert.equal(await relaying.find(path(name)), undefined)
    // One that lies here is not asked for.
    assert.ok(await relaying.find(`/log/${id}/checkpoint`))
    assert.deepEqual(asked, ['log.test:7481/log/ab checkpoint', 'log.test:7481/log/ab tile/0/000'])
    assert.equal(await shelf.find(path('checkpoint')), undefined)
  })

  it('is not asked for more than so many objects at a time', async (t) => {
    slots.push(far)
    atEnd(t, () => slots.pop())
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const relaying = new LogShelf({ store, layout, publicUrl: undefined, readElsewhere: () => promise })
    const found = Array.from({ length: 64 }, () => relaying.find(path('checkpoint')))
    await assert.rejects(relaying.find(path('checkpoint')), /64 objects/)
    resolve(undefined)
    await Promise.all(found)
    assert.equal(await relaying.find(path('checkpoint')), undefined)
  })

  it('is listed where it is, and says itself what it ends with', async (t) => {
    slots.push({ ...far, state: 'retiring' })
    atEnd(t, () => slots.pop())
    const list = JSON.parse(Buffer.from((await shelf.find('/log/log-list.json'))!.octets).toString())
    const listed = list.operators[0].tiled_logs[1]
    assert.equal(listed.monitoring_url, 'http://log.test:7481/log/ab/')
    assert.deepEqual(Object.keys(listed.state), ['retired'])
  })
})

describe('the list of logs', () => {
  async function listed() {
    const answer = await get('/log/log-list.json')
    assert.equal(answer.headers.get('content-type'), 'application/json')
    const list = (await answer.json()) as { operators: { name: string; tiled_logs: object[] }[] }
    assert.equal(list.operators[0]!.name, 'service.datapunk')
    return list.operators[0]!.tiled_logs
  }

  it('says what a monitor has to know', async () => {
    assert.deepEqual(await listed(), [
      {
        description: 'log-1',
        log_id: Buffer.from(logIdOf(signer.spki)).toString('base64'),
        key: Buffer.from(signer.spki).toString('base64'),
        mmd: 1,
        submission_url: 'http://authority.service.datapunk/log/1/',
        monitoring_url: `http://authority.example:7480/log/${id}/`,
        state: { usable: { timestamp: '2026-06-01T00:00:00.000Z' } },
      },
    ])
  })

  for (const [state, word] of [
    ['prepared', 'pending'],
    ['retiring', 'readonly'],
    ['retired', 'retired'],
    ['compromised', 'rejected'],
  ] as const satisfies readonly (readonly [SlotState, string])[])
    it(`calls a log that is ${state} ${word}`, async (t) => {
      slots[0] = { ...slot, state }
      atEnd(t, () => {
        slots[0] = slot
      })
      const [log] = (await listed()) as { state: Record<string, { final_tree_head?: unknown }> }[]
      assert.deepEqual(Object.keys(log!.state), [word])
      const head = { sha256_root_hash: Buffer.from(EMPTY_ROOT).toString('base64'), tree_size: 0 }
      assert.deepEqual(log!.state[word]!.final_tree_head, state === 'retiring' ? head : undefined)
    })
})
