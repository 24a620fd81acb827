import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { keyIdOf, logFolderId } from '@datapunk/protocol'
import { TestCa, type TestIdentity } from '@datapunk/testkit'
import { EMPTY_EDGE, growTree, hashLeaf, openCheckpoint, signCheckpoint, tilePath } from '@datapunk/tlog'
import { openLogKey } from './log-key.ts'
import { readFolder } from './reading/read-folder.ts'
import { newSigner, ServedLog } from './testing/served-log.ts'

let served: ServedLog
let precertificates: TestIdentity[]
beforeEach(async () => {
  served = await ServedLog.start()
  precertificates = await served.logMesh.precertificates(3)
})
afterEach(() => served.remove())

const chainOf = (identity: TestIdentity) => served.logMesh.chainOf(identity)

describe('a log that runs elsewhere', () => {
  it('is submitted to and read as one that runs here', async () => {
    const log = await served.reached()
    assert.deepEqual([log.origin, Buffer.from(log.spki)], [served.log.origin, Buffer.from(served.log.spki)])
    assert.equal(await log.read('checkpoint'), undefined)
    assert.equal(await log.holds({ size: 1, root: new Uint8Array(32) }), false)
    const scts = new Map<string, Uint8Array>()
    for (const [at, each] of precertificates.entries()) {
      const sct = await log.submit(chainOf(each))
      assert.equal(served.logMesh.checkSct(sct, each, log.spki), at)
      scts.set(each.certificate.serial, sct)
    }
    assert.deepEqual(
      await log.submit(chainOf(precertificates[0]!)),
      scts.get(precertificates[0]!.certificate.serial),
    )
    assert.equal(await served.logMesh.check(served.log, scts), 3)
    assert.equal(openCheckpoint((await log.read('checkpoint'))!, log).size, 3)
    const tile = 'tile/0/000.p/3'
    assert.deepEqual(Buffer.from((await log.read(tile))!), Buffer.from((await served.log.read(tile))!))
    const leaf = await served.logMesh.mesh.leaf('lake')
    await log.submit(chainOf(leaf), 'chain')
    assert.equal(await served.logMesh.check(served.log), 4)
  })

  it('is taken by the key that its URL names, and by no other', async () => {
    const { url } = served
    const other = url.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
    await assert.rejects(served.reached(other), { code: 'LOG_UNREADABLE' })
    const { key } = (await (await fetch(`${url}/log.v3.json`)).json()) as { key: string }
    const strange = Buffer.from((await newSigner()).spki).toString('base64')
    for (const [said, code] of [
      [JSON.stringify({ key }), undefined],
      [JSON.stringify({ key: strange }), 'LOG_WRONG'],
      ['{}', 'LOG_WRONG'],
      ['no JSON', 'LOG_WRONG'],
      ['"'.repeat(100_000), 'LOG_UNREADABLE'],
    ] as const) {
      await using impostor = await Impostor.start(() => said)
      const reached = served.reached(`${impostor.url}/log/${url.split('/').at(-1)}`)
      if (code === undefined) await reached
      else await assert.rejects(reached, { code })
    }
    await using impostor = await Impostor.start(() => JSON.stringify({ key }))
    for (const part of ['', url.split('/').at(-1)!.slice(0, -1)])
      await assert.rejects(served.reached(`${impostor.url}/log/${part}`), { code: 'LOG_WRONG' })
  })

  it('says why it takes something or not, and when it can’t be had', async () => {
    const log = await served.reached()
    await assert.rejects(log.submit([Buffer.from('no certificate')]), {
      code: 'SUBMISSION_REFUSED',
      message: /tag 0x6e/,
    })
    served.signer = await newSigner()
    await assert.rejects(log.submit(chainOf(precertificates[0]!)), {
      code: 'SUBMISSION_REFUSED',
      message: /only the authority/,
    })
    await served.close()
    await assert.rejects(log.submit(chainOf(precertificates[0]!)), { code: 'LOG_UNREADABLE' })
    await assert.rejects(log.read('checkpoint'), { code: 'LOG_UNREADABLE' })
    await assert.rejects(served.reached(), { code: 'LOG_UNREADABLE' })
    assert.equal(await log.holds({ size: 5, root: new Uint8Array(32) }), true)
    await served.open()
  })

  it('says whose chains it takes', async () => {
    const log = await served.reached()
    const { ca } = served.logMesh.mesh
    const next = await TestCa.create({ seed: 'next', at: ca.at })
    assert.deepEqual([await log.takes(ca.root.der), await log.takes(next.root.der)], [true, false])
    await served.logMesh.mesh.trust({ roots: [ca.root.certificate, next.root.certificate] }, [next.root])
    assert.equal(await log.takes(next.root.der), true)
  })

  it('has refused, is busy or broken, by how it answers, and no line of it looks like one of ours', async () => {
    const log = await served.reached()
    const { port } = new URL(served.url)
    await served.close()
    {
      let answer: Answer
      await using _ = await Impostor.start(() => answer, Number(port))
      // The connection that was open may be found closed.
      await log.read('checkpoint').catch(() => {})
      const said = JSON.stringify({ error_message: 'not\nnow\u202e' })
      for (const [status, body, code, message] of [
        [503, said, 'LOG_BUSY', 'not?now?'],
        [429, 'null', 'LOG_BUSY', 'it answered 429'],
        [400, said, 'SUBMISSION_REFUSED', 'not?now?'],
        [499, '{}', 'SUBMISSION_REFUSED', 'it answered 499'],
        [500, said, 'LOG_UNREADABLE', 'not?now?'],
        [201, 'no JSON', 'LOG_UNREADABLE', 'it answered 201'],
        [200, said, 'LOG_WRONG', 'the log answered with something that is no SCT'],
      ] as const) {
        answer = [status, body]
        await assert.rejects(log.submit(chainOf(precertificates[0]!)), { code, message })
      }
      answer = [500, 'no tile']
      await assert.rejects(log.read('tile/0/000'), { code: 'LOG_UNREADABLE', message: /answered 500/ })
      const { der } = served.logMesh.mesh.ca.root
      const certificates = [Buffer.from(der).toString('base64')]
      for (const [status, document] of [
        [503, { certificates }],
        [200, {}],
        [200, null],
        [200, { certificates: certificates[0] }],
      ] as const) {
        answer = [status, JSON.stringify(document)]
        assert.equal(await log.takes(der), false)
      }
    }
    await served.open()
  })

  it('is given up where it says nothing, or stops in the middle of an answer', async () => {
    await using silent = await Impostor.start(() => new Promise(() => {}))
    const refused = { code: 'LOG_UNREADABLE', message: /timeout/ }
    await assert.rejects(served.reached(`${silent.url}/log/${'0'.repeat(32)}`, 50), refused)
    const server = createServer((_, response) => response.writeHead(200).write('{'))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    await assert.rejects(served.reached(`http://127.0.0.1:${port}/log/${'0'.repeat(32)}`, 50), refused)
    server.closeAllConnections()
    server.close()
  })

  it('has had every tree that it has signed, and no other', async () => {
    const log = await served.reached()
    const trees = []
    for (const each of precertificates) {
      await log.submit(chainOf(each))
      trees.push(served.log.checkpoint!)
    }
    for (const { size, root } of trees) {
      assert.equal(await log.holds({ size, root }), true)
      assert.equal(await log.holds({ size, root }), true)
      assert.equal(await log.holds({ size, root: new Uint8Array(32) }), false)
    }
    assert.equal(await log.holds({ size: 4, root: trees[2]!.root }), false)
  })

  it('is found out when it shows a tree that does not hold the one before, and is not by an older one', async () => {
    const log = await served.reached()
    await log.submit(chainOf(precertificates[0]!))
    await log.submit(chainOf(precertificates[1]!))
    const older = await served.log.read('checkpoint')
    await log.submit(chainOf(precertificates[2]!))
    await log.read('checkpoint')
    const shelf = readFolder(served.log.folder.public)
    const key = await openLogKey(served.log.folder.key)
    const steppedBack = { ...openCheckpoint(older!, log), timestamp: served.logMesh.now + 1 }
    const later = await signCheckpoint(steppedBack, key)
    const newest = openCheckpoint((await shelf('checkpoint'))!, log)
    const again = await signCheckpoint({ ...newest, timestamp: served.logMesh.now + 2 }, key)
    await served.close()
    {
      // Somebody has put the log back, or stands in its place.
      let shown: Uint8Array | undefined
      await using _ = await Impostor.start(
        (path) => (path.endsWith('/checkpoint') ? shown : shelf(path.split('/').slice(3).join('/'))),
        Number(new URL(served.url).port),
      )
      // The connection that was open may be found closed.
      await log.read('checkpoint').catch(() => {})
      shown = again
      await log.read('checkpoint')
      shown = older
      await assert.rejects(log.read('checkpoint'), {
        code: 'LOG_UNREADABLE',
        message: /older than that of 3/,
      })
      for (const checkpoint of [later, undefined]) {
        shown = checkpoint
        await assert.rejects(log.read('checkpoint'), { code: 'LOG_WRONG', message: /of 3 entries/ })
      }
      shown = Buffer.from('no checkpoint')
      await assert.rejects(log.read('checkpoint'), { code: /INVALID/ })
      shown = await shelf('checkpoint')
      await log.read('checkpoint')
    }
    await served.open()
  })

  it('is found out when it shows two forks to two who read beside each other', async () => {
    const signer = await newSigner()
    const leaves = (...texts: string[]) => texts.map((text) => hashLeaf(Buffer.from(text)))
    const trees = [leaves('a', 'b'), leaves('a', 'b', 'x'), leaves('a', 'b', 'y', 'z')].map((each) =>
      growTree(EMPTY_EDGE, each),
    )
    const tiles = new Map(trees.flatMap((tree) => tree.tiles).map((tile) => [tilePath(tile), tile.octets]))
    const shown: Uint8Array[] = []
    const key = Buffer.from(signer.spki).toString('base64')
    await using impostor = await Impostor.start((path) => {
      const name = path.split('/').slice(3).join('/')
      if (name === 'log.v3.json') return JSON.stringify({ key })
      return name === 'checkpoint' ? shown.shift() : tiles.get(name)
    })
    const log = await served.reached(`${impostor.url}/log/${logFolderId(keyIdOf(signer.spki))}`)
    for (const { size, root } of trees)
      shown.push(await signCheckpoint({ origin: log.origin, size, root, timestamp: size }, signer))
    await log.read('checkpoint')
    const beside = await Promise.allSettled([log.read('checkpoint'), log.read('checkpoint')])
    assert.deepEqual(
      beside.map((each) => (each.status === 'fulfilled' ? 'believed' : each.reason.code)),
      ['believed', 'LOG_WRONG'],
    )
  })
})

type Answer = string | Uint8Array | undefined | readonly [status: number, body: string]

/** Answers in a log's place. */
class Impostor implements AsyncDisposable {
  readonly #server: Server

  static async start(
    answer: (path: string) => Answer | Promise<Uint8Array | undefined>,
    port = 0,
  ): Promise<Impostor> {
    const server = createServer(async (request, response) => {
      const told = await answer(request.url ?? '/')
      const [status, body] = Array.isArray(told) ? told : [told === undefined ? 404 : 200, told]
      response.writeHead(status).end(body)
    })
    await once(server.listen(port, '127.0.0.1'), 'listening')
    return new Impostor(server)
  }

  private constructor(server: Server) {
    this.#server = server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
