import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { type ChannelListener, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { mkdir, rename, rmdir } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { parseSct, type Signer } from '@datapunk/pki'
import { keyIdOf, type LogSubmission } from '@datapunk/protocol'
import { TestCa, type TestIdentity, testExtension } from '@datapunk/testkit'
import type { LogErrorCode } from '../log-error.ts'
import { newSigner, ServedLog } from '../testing/served-log.ts'
import { authorityWord } from './authority-word.ts'
import { readSctDocument, sctDocument } from './sct-json.ts'
import { submissionBody } from './submission-body.ts'

let served: ServedLog
let precertificate: TestIdentity
beforeEach(async () => {
  served = await ServedLog.start()
  ;[precertificate] = (await served.logMesh.precertificates(1)) as [TestIdentity]
})
afterEach(() => served.remove())

interface Posted {
  readonly said?: Partial<LogSubmission>
  readonly signer?: Signer
  readonly authorization?: string | undefined
  readonly kind?: LogSubmission['kind']
}

async function wordFor(body: Uint8Array, { said, signer = served.signer, kind = 'pre-chain' }: Posted = {}) {
  const { meshId } = served.logMesh.mesh
  const at = served.logMesh.now
  const plain = { meshId, log: keyIdOf(served.log.spki), kind, body: hash('sha256', body), at }
  return authorityWord({ ...plain, ...said }, signer)
}

async function post(body: Uint8Array, posted: Posted = {}): Promise<Response> {
  const authorization = 'authorization' in posted ? posted.authorization : await wordFor(body, posted)
  return fetch(`${served.url}/ct/v1/add-${posted.kind ?? 'pre-chain'}`, {
    ...{ method: 'POST', body },
    headers: authorization === undefined ? {} : { authorization },
  })
}

const chain = (...identities: TestIdentity[]) => submissionBody(served.logMesh.chainOf(...identities))

async function refuses(
  answer: Response,
  [status, code]: readonly [status: number, code: LogErrorCode],
): Promise<string> {
  assert.equal(answer.status, status)
  const { error_message: message } = (await answer.json()) as { error_message: string }
  assert.ok(message.length > 10)
  assert.equal((served.refused.at(-1) as { code: string }).code, code)
  assert.equal(answer.headers.get('retry-after') !== null, status === 503)
  return message
}

const notTheAuthority = [403, 'NOT_THE_AUTHORITY'] as const
const refused = [400, 'SUBMISSION_REFUSED'] as const

describe('a submission over HTTP', () => {
  it('is answered with an SCT as RFC 6962 4.1 has it, a duplicate with the first', async () => {
    const answer = await post(chain(precertificate))
    assert.equal(answer.headers.get('content-type'), 'application/json')
    const document = (await answer.json()) as Record<string, unknown>
    assert.deepEqual(Object.keys(document), ['sct_version', 'id', 'timestamp', 'extensions', 'signature'])
    assert.equal(served.logMesh.checkSct(readSctDocument(document), precertificate, served.log.spki), 0)
    served.logMesh.now += 10_000
    assert.deepEqual(await (await post(chain(precertificate))).json(), document)
    const leaf = await served.logMesh.mesh.leaf('lake')
    const final = await post(chain(leaf), { kind: 'chain' })
    assert.equal(parseSct(readSctDocument(await final.json())).leafIndex, 1)
  })

  it('that is said again is answered with the same SCT, and logged once', async () => {
    const body = chain(precertificate)
    const authorization = await wordFor(body)
    const [first, second] = [await post(body, { authorization }), await post(body, { authorization })]
    assert.deepEqual(await first.json(), await second.json())
    assert.equal(served.log.checkpoint?.size, 1)
  })

  it('names whose chains are taken', async () => {
    const answer = await fetch(`${served.url}/ct/v1/get-roots`)
    const root = Buffer.from(served.logMesh.mesh.ca.root.der).toString('base64')
    assert.deepEqual(await answer.json(), { certificates: [root] })
  })
})

describe('only the authority submits', () => {
  it('not whoever says nothing, or something else', async () => {
    for (const authorization of [
      undefined,
      'Bearer x',
      'datapunk-mtls',
      'datapunk-mtls !',
      'datapunk-mtls e30=',
    ])
      await refuses(await post(chain(precertificate), { authorization }), notTheAuthority)
    assert.equal(served.log.checkpoint, undefined)
  })

  it('not another key, another mesh, log, call, body or time', async () => {
    const body = chain(precertificate)
    const stranger = await newSigner()
    await refuses(await post(body, { signer: stranger }), notTheAuthority)
    for (const said of [
      ...[{ meshId: 'ab'.repeat(16) }, { log: 'ab'.repeat(32) }, { kind: 'chain' }],
      ...[{ body: hash('sha256', 'another') }],
      ...[{ at: served.logMesh.now + 2000 }, { at: served.logMesh.now - 302_000 }],
    ] as const)
      await refuses(await post(body, { said }), notTheAuthority)
    assert.equal(served.log.checkpoint, undefined)
  })

  it('not with what it has said of another body', async () => {
    const authorization = await wordFor(chain(precertificate))
    await refuses(await post(submissionBody([]), { authorization }), notTheAuthority)
  })

  it('by either bundle key while one takes the other’s place, and by the old one no longer', async () => {
    const [before, next] = [served.signer, await newSigner()]
    const [second] = await served.logMesh.precertificates(1)
    await refuses(await post(chain(precertificate), { signer: next }), notTheAuthority)
    await served.logMesh.mesh.trust({ bundleKeys: [before.spki, next.spki] })
    assert.equal((await post(chain(precertificate), { signer: next })).status, 200)
    assert.equal((await post(chain(second!), { signer: before })).status, 200)
    await served.logMesh.mesh.trust({ bundleKeys: [next.spki] })
    await refuses(await post(chain(precertificate), { signer: before }), notTheAuthority)
  })

  it('once there is a trust statement, and not before', async () => {
    const { trustDir } = served.logMesh.mesh.layout.mesh
    await rename(trustDir, `${trustDir}.away`)
    const told = await refuses(await post(chain(precertificate)), [503, 'LOG_UNREADABLE'])
    assert.doesNotMatch(told, /\//)
    assert.equal((await fetch(`${served.url}/ct/v1/get-roots`)).status, 503)
    await mkdir(trustDir)
    await refuses(await post(chain(precertificate)), [503, 'LOG_UNREADABLE'])
    await rmdir(trustDir)
    await rename(`${trustDir}.away`, trustDir)
    assert.equal((await post(chain(precertificate))).status, 200)
  })

  it('until the mesh is restored: what was put back is not gone on with', async () => {
    assert.equal((await post(chain(precertificate))).status, 200)
    const [second] = await served.logMesh.precertificates(1)
    await served.logMesh.mesh.trust({ number: { generation: 2, counter: 3 } })
    const told = await refuses(await post(chain(second!)), [403, 'LOG_ENDED'])
    assert.match(told, /mtls log serve --new/)
    // Nor after a restart; another log is.
    const { url } = served
    await served.close()
    await served.open()
    await refuses(await post(chain(second!)), [403, 'LOG_ENDED'])
    await served.close()
    await served.open(true)
    assert.notEqual(served.url, url)
    assert.equal((await post(chain(second!))).status, 200)
    assert.equal((await fetch(`${url}/checkpoint`)).status, 200)
    assert.equal((await fetch(`${url}/ct/v1/get-roots`)).status, 404)
  })
})

describe('the authority submits something', () => {
  it('that is no chain', async () => {
    for (const body of [
      '',
      '{',
      '[]',
      '{}',
      '{"chain":1}',
      '{"chain":["!"]}',
      '{"chain":[]}',
      '\xff',
      '{"chain":["AAAA"]}',
    ])
      await refuses(await post(Buffer.from(body, 'latin1')), refused)
    await refuses(await post(submissionBody(Array(100).fill(precertificate.der))), refused)
  })

  it('to a foreign root, without poison, with poison, expired', async () => {
    const { ca } = served.logMesh.mesh
    const foreign = await TestCa.create({ seed: 'foreign', at: ca.at })
    const strange = await foreign.leaf('lake', { extensions: { poison: testExtension.poison() } })
    await refuses(await post(submissionBody([strange.der, foreign.issuing.der])), refused)
    await refuses(await post(chain(await served.logMesh.mesh.leaf('lake'))), refused)
    await refuses(await post(chain(precertificate), { kind: 'chain' }), refused)
    served.logMesh.now = precertificate.certificate.notAfter + 60_000
    await refuses(await post(chain(precertificate)), refused)
    assert.equal(served.log.checkpoint, undefined)
  })
})

describe('a body', () => {
  /** What is answered to a request as it was written, by which time nobody reads on. */
  async function raw(head: readonly string[], body = ''): Promise<string> {
    const { hostname, port, pathname } = new URL(`${served.url}/ct/v1/add-pre-chain`)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.write([`POST ${pathname} HTTP/1.1`, 'host: log', ...head, '', body].join('\r\n'))
    let answer = ''
    socket.on('data', (text) => (answer += text))
    await once(socket, 'close')
    return answer
  }

  /** Who has sent the head of a submission and nothing else, once the log has all of these. */
  async function sendersOf(count: number, word: string) {
    const { hostname, port, pathname } = new URL(`${served.url}/ct/v1/add-pre-chain`)
    const head = [`POST ${pathname} HTTP/1.1`, 'host: log', 'content-length: 10', `authorization: ${word}`]
    const requests: IncomingMessage[] = []
    const { promise: arrived, resolve } = Promise.withResolvers<void>()
    const onRequest: ChannelListener = (message) => {
      const { request } = message as { request: IncomingMessage }
      if (requests.push(request) === count) resolve()
    }
    subscribe('http.server.request.start', onRequest)
    const sockets = Array.from({ length: count }, () => connect(Number(port), hostname))
    for (const socket of sockets) socket.on('error', () => {}).write([...head, '', ''].join('\r\n'))
    await arrived
    unsubscribe('http.server.request.start', onRequest)
    return sockets.map((socket, at) => ({ socket, request: requests[at]! }))
  }

  it('beyond those that are read at the same time has to be sent again', async () => {
    const word = `authorization: ${await wordFor(Buffer.alloc(10))}`
    const { hostname, port, pathname } = new URL(`${served.url}/ct/v1/add-pre-chain`)
    const head = [`POST ${pathname} HTTP/1.1`, 'host: log', 'content-length: 10', word, '', 'slow']
    const sockets = Array.from({ length: 256 }, () => connect(Number(port), hostname))
    for (const socket of sockets) socket.on('error', () => {}).write(head.join('\r\n'))
    const authorization = await wordFor(chain(precertificate))
    // Until all of them have come in.
    let answer = await post(chain(precertificate), { authorization })
    while (answer.status === 200) answer = await post(chain(precertificate), { authorization })
    await refuses(answer, [503, 'LOG_BUSY'])
    for (const socket of sockets) socket.destroy()
    while (answer.status !== 200) answer = await post(chain(precertificate), { authorization })
    assert.equal(served.log.checkpoint?.size, 1)
  })

  it('takes no place of another when its sender was gone before it was read', async (t) => {
    assert.equal((await post(chain(precertificate))).status, 200)
    const looked = Promise.withResolvers<void>()
    const { mock } = t.mock.method(served.log.trusted, 'refresh', () => looked.promise)
    const sockets = await sendersOf(256, await wordFor(Buffer.alloc(10)))
    const gone = sockets.map(({ request }) => new Promise((resolve) => request.once('close', resolve)))
    for (const { socket } of sockets) socket.destroy()
    await Promise.all(gone)
    mock.restore()
    looked.resolve()
    assert.equal((await post(chain(precertificate))).status, 200)
  })

  it('of 10 MB is refused before any of it is sent', async () => {
    const word = `authorization: ${await wordFor(Buffer.alloc(10))}`
    assert.match(await raw(['content-length: 10000000', word]), /^HTTP\/1\.1 413 /)
  })

  it('without a length is refused, and so is one that nobody has signed for', async () => {
    const word = `authorization: ${await wordFor(Buffer.alloc(10))}`
    assert.match(await raw(['transfer-encoding: chunked', word], '5\r\nhello\r\n'), /^HTTP\/1\.1 400 /)
    assert.match(await raw(['content-length: 1000']), /^HTTP\/1\.1 403 /)
  })

  it('that comes too slowly is not waited for', async () => {
    await served.close()
    served.patience = 200
    await served.open()
    const word = `authorization: ${await wordFor(Buffer.alloc(10))}`
    assert.doesNotMatch(await raw(['content-length: 10', word], 'slow'), /^HTTP\/1\.1 200 /)
  })
})

describe('a log is read by everybody', () => {
  it('all that has a name of a log, and nothing else', async () => {
    await post(chain(precertificate))
    const issuer = hash('sha256', served.logMesh.mesh.ca.issuing.der)
    for (const [path, type] of [
      ['checkpoint', 'text/plain; charset=utf-8'],
      ['tile/0/000.p/1', 'application/octet-stream'],
      ['tile/data/000.p/1', 'application/octet-stream'],
      [`issuer/${issuer}`, 'application/pkix-cert'],
      ['log.v3.json', 'application/json'],
    ] as const) {
      const answer = await fetch(`${served.url}/${path}`)
      assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, type], path)
      assert.equal((await fetch(`${served.url}/${path}`, { method: 'HEAD' })).status, 200)
    }
    for (const path of [
      '',
      'tile/0/000',
      '..%2fkey.pem',
      'key.pem',
      'lock.db',
      'staging/1',
      'ct/v1/add-chain',
    ])
      assert.equal((await fetch(`${served.url}/${path}`)).status, 404, path)
    const { status, headers } = await fetch(`${served.url}/checkpoint`, { method: 'POST' })
    assert.deepEqual([status, headers.get('allow')], [405, 'GET, HEAD'])
    assert.equal((await fetch(`${new URL(served.url).origin}/`)).status, 404)
  })

  it('who asks for much at once, before he has read anything, is owed no answer to it', async () => {
    const { hostname, port, pathname } = new URL(served.url)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.write(`GET ${pathname}/log.v3.json HTTP/1.1\r\nhost: log\r\n\r\n`.repeat(4000))
    let answers = ''
    socket.on('data', (text) => (answers += text))
    await new Promise((resolve) => socket.on('close', resolve))
    assert.ok((answers.match(/HTTP\/1\.1 200/g)?.length ?? 0) <= 16)
    assert.equal((await fetch(`${served.url}/log.v3.json`)).status, 200)
  })
})

describe('an SCT as JSON', () => {
  it('comes back as it was', async () => {
    const sct = readSctDocument(await (await post(chain(precertificate))).json())
    assert.deepEqual(readSctDocument(JSON.parse(JSON.stringify(sctDocument(sct)))), sct)
  })

  it('is refused where it is none', async () => {
    const document = (await (await post(chain(precertificate))).json()) as Record<string, unknown>
    for (const change of [
      ...[{ sct_version: 1 }, { id: 'AAAA' }, { id: undefined }, { timestamp: -1 }, { timestamp: 2 ** 60 }],
      ...[{ extensions: 'AAAA' }, { extensions: '!' }, { signature: '' }, { signature: 'AAAA' }],
    ])
      assert.throws(() => readSctDocument({ ...document, ...change }), { code: 'LOG_WRONG' })
    for (const other of [undefined, null, [], 'sct'])
      assert.throws(() => readSctDocument(other), { code: 'LOG_WRONG' })
  })
})
