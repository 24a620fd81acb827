import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import {
  encodeMessage,
  LONGEST_SILENCE,
  MessageReader,
  type PeerMessage,
  REPORT_EVERY,
} from '@datapunk/protocol'
import { atEnd, FixedClock } from '@datapunk/testkit'
import type { Clock } from '../clock.ts'
import { AuthorityLink } from './authority-link.ts'
import { AuthorityRoute } from './authority-route.ts'

const digest = 'ab'.repeat(32)
const ref = { digest, size: 1 }
const hello: PeerMessage = { type: 'hello', document: new Uint8Array(), head: undefined, trust: undefined }

type Told = EventEmitter<{ opened: []; heard: []; waits: [delay: number] }>

/**
 * A link to an authority on this machine that answers as it is told, and the clock of whoever has the link.
 *
 * @param greet takes as long as it likes
 */
async function linkTo(t: TestContext, answer: RequestListener, greet = async () => hello) {
  const folder = mkdtempSync(join(tmpdir(), 'link-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  const socket = join(folder, 'mesh.sock')
  const server = createServer(answer)
  server.listen(socket)
  await once(server, 'listening')
  atEnd(t, () => server.close())
  atEnd(t, () => server.closeAllConnections())
  const fixed = new FixedClock()
  const told: Told = new EventEmitter()
  const clock: Clock = {
    now: fixed.now,
    after: (delay, call) => {
      if (delay === LONGEST_SILENCE) told.emit('heard')
      else told.emit('waits', delay)
      return fixed.after(delay, call)
    },
  }
  const unexpected = () => assert.fail('nobody is refused, and nothing is known')
  const link = new AuthorityLink({
    route: new AuthorityRoute({
      ...{ clock, refused: unexpected, current: unexpected },
      place: () => ({ socket, address: undefined }),
    }),
    ...{ clock, random: Buffer.alloc, received: unexpected, failed: unexpected },
    greet,
    opened: () => told.emit('opened'),
    heard: () => {},
  })
  atEnd(t, () => link.close())
  return { link, clock: fixed, told }
}

/** The two ends of the stream, and of each section that is asked for, as they come. */
class Authority extends EventEmitter<{
  stream: [request: IncomingMessage, response: ServerResponse]
  section: [response: ServerResponse]
}> {
  readonly answer: RequestListener = (request, response) => {
    if (request.url !== '/stream') return void this.emit('section', response)
    response.write(encodeMessage({ type: 'challenge', nonce: digest }))
    this.emit('stream', request, response)
  }
}

const isMissing = (found: RegExp) => (error: { code: string; message: string }) => {
  assert.equal(error.code, 'BUNDLE_MISSING')
  assert.match(error.message, found)
  return true
}

test('a section that does not come holds up nobody who closes the link', async (t) => {
  const authority = new Authority()
  const { link } = await linkTo(t, authority.answer)
  const asked = once(authority, 'section')
  const section = link.section(ref)
  const [response] = (await asked) as [ServerResponse]
  const closed = once(response, 'close')
  link.close()
  await assert.rejects(section, isMissing(/abort/i))
  await closed
})

test('a section that is given up is waited for no longer, and its connection ends', async (t) => {
  const authority = new Authority()
  const { link } = await linkTo(t, authority.answer)
  const asked = once(authority, 'section')
  const stop = new AbortController()
  const section = link.section(ref, undefined, stop.signal)
  const rejected = assert.rejects(section, isMissing(/enough/))
  const [response] = (await asked) as [ServerResponse]
  const closed = once(response, 'close')
  stop.abort(new Error('enough'))
  await rejected
  await closed
})

test('a section that comes octet by octet is not waited for without an end', async (t) => {
  const authority = new Authority()
  const { link, clock, told } = await linkTo(t, authority.answer)
  const asked = once(authority, 'section')
  const section = link.section(ref)
  const rejected = assert.rejects(section, isMissing(/no answer within 300000 ms/))
  const [response] = (await asked) as [ServerResponse]
  for (let passed = 0; passed < 5 * 60_000; passed += REPORT_EVERY) {
    const heard = once(told, 'heard')
    response.write('.')
    await heard
    clock.advance(REPORT_EVERY)
  }
  await rejected
})

test('an authority that hangs ends the stream, and is called anew', async (t) => {
  const authority = new Authority()
  const begun = once(authority, 'stream')
  const { link, clock, told } = await linkTo(t, authority.answer)
  const [, response] = (await begun) as [IncomingMessage, ServerResponse]
  if (!link.isOpen) await once(told, 'opened')
  clock.advance(LONGEST_SILENCE - 1)
  const heard = once(told, 'heard')
  response.write(encodeMessage({ type: 'heard' }))
  await heard
  clock.advance(LONGEST_SILENCE - 1)
  assert.ok(link.isOpen)
  const closed = once(response, 'close')
  clock.advance(1)
  await closed
  assert.ok(!link.isOpen)
  const again = once(authority, 'stream')
  clock.advance(REPORT_EVERY)
  await again
})

test('an authority that refuses each hello is called ever less often, and soon again once it has heard one', async (t) => {
  const authority = new Authority()
  let next = once(authority, 'stream')
  const { link, clock, told } = await linkTo(t, authority.answer)
  const begin = async () => {
    const [request, response] = (await next) as [IncomingMessage, ServerResponse]
    if (!link.isOpen) await once(told, 'opened')
    return { request, response }
  }
  const end = async (request: IncomingMessage) => {
    const waits = once(told, 'waits')
    request.destroy()
    const [wait] = await waits
    next = once(authority, 'stream')
    clock.advance(wait)
    return wait
  }
  for (const wait of [50, 100, 200]) assert.equal(await end((await begin()).request), wait)
  const { request, response } = await begin()
  const heard = once(told, 'heard')
  response.write(encodeMessage({ type: 'heard' }))
  await heard
  assert.equal(await end(request), 50)
  await next
})

test('what happens in the mesh folder while a stream is open begins no other one', async (t) => {
  const authority = new Authority()
  let streams = 0
  authority.on('stream', () => streams++)
  const { link, told } = await linkTo(t, authority.answer)
  await once(told, 'opened')
  link.tryNow()
  const asked = once(authority, 'section')
  const rejected = assert.rejects(link.section(ref), isMissing(/404/))
  const [response] = (await asked) as [ServerResponse]
  response.writeHead(404).end()
  await rejected
  assert.equal(streams, 1)
})

describe('whoever closes the link', () => {
  /** What an authority is told from the greeting on. */
  const listened = async (request: IncomingMessage) => {
    const reader = MessageReader.ofPeer()
    const said: string[] = []
    for await (const chunk of request) for (const { type } of reader.read(chunk)) said.push(type)
    return said
  }

  test('says farewell', async (t) => {
    const authority = new Authority()
    const begun = once(authority, 'stream')
    const { link, told } = await linkTo(t, authority.answer)
    const [request] = (await begun) as [IncomingMessage]
    const said = listened(request)
    if (!link.isOpen) await once(told, 'opened')
    link.close({ type: 'leave' })
    assert.deepEqual(await said, ['hello', 'leave'])
  })

  test('says it to nobody who was not greeted, and ends the stream', async (t) => {
    const authority = new Authority()
    const begun = once(authority, 'stream')
    const { link } = await linkTo(t, authority.answer, () => new Promise(() => {}))
    const [request] = (await begun) as [IncomingMessage]
    const said = listened(request)
    link.close({ type: 'leave' })
    await assert.rejects(said, { code: 'ECONNRESET' })
  })
})

describe('a stream that ends while the hello is signed', () => {
  /** Signs when it is told to. */
  class SlowSigner extends EventEmitter<{ asked: [sign: () => void] }> {
    readonly greet = () => new Promise<PeerMessage>((resolve) => this.emit('asked', () => resolve(hello)))
  }

  test('was not greeted, and the next one is waited for longer', async (t) => {
    const authority = new Authority()
    const signer = new SlowSigner()
    const coming = () => Promise.all([once(authority, 'stream'), once(signer, 'asked')])
    let next = coming()
    const { link, clock, told } = await linkTo(t, authority.answer, signer.greet)
    for (const wait of [50, 100]) {
      const [[request], [sign]] = await next
      const waits = once(told, 'waits')
      request.destroy()
      assert.deepEqual(await waits, [wait])
      sign()
      await setImmediate()
      assert.ok(!link.isOpen)
      assert.ok(!link.send({ type: 'leave' }))
      next = coming()
      clock.advance(wait)
    }
    await next
  })

  test('because the link was closed, opens nothing', async (t) => {
    const authority = new Authority()
    const signer = new SlowSigner()
    const asked = once(signer, 'asked')
    const { link, told } = await linkTo(t, authority.answer, signer.greet)
    let opened = 0
    told.on('opened', () => opened++)
    const [sign] = await asked
    link.close()
    sign()
    await setImmediate()
    assert.deepEqual([link.isOpen, opened], [false, 0])
  })
})

test('an authority that does not read ends the stream before what it is told piles up', async (t) => {
  const authority = new Authority()
  const begun = once(authority, 'stream')
  const { link, told } = await linkTo(t, authority.answer)
  const [request, response] = (await begun) as [IncomingMessage, ServerResponse]
  if (!link.isOpen) await once(told, 'opened')
  request.pause()
  const closed = once(response, 'close')
  const refusal: PeerMessage = { type: 'refusal', rule: 'ANY', message: 'x'.repeat(2000) }
  for (let said = 0; said < 8 * 1024 * 1024; said += refusal.message.length) link.send(refusal)
  await closed
  assert.ok(!link.isOpen)
})
