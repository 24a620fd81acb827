import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { endOf } from '@datapunk/pki'
import {
  type Acknowledgement,
  encodeMessage,
  type Hello,
  keyIdOf,
  type PeerMessage,
  type Report,
  readBundleHead,
  sealAcknowledgement,
  sealBundleHead,
} from '@datapunk/protocol'
import { LIVENESS } from '../engine/peer-book.ts'
import { activeSlot } from '../engine/slots.ts'
import { rotate } from '../rotation/rotate.ts'
import { type OpenStream, PeerSocket } from '../testing/peer-socket.ts'
import { AcknowledgementLog } from './acknowledgement-log.ts'
import { announcementOf } from './announcement.ts'
import { DifferenceCache } from './difference-cache.ts'
import { EventBudget } from './event-budget.ts'
import { InstanceStreams } from './instance-streams.ts'
import { PeerStream } from './peer-stream.ts'
import { publicationOf } from './publication.ts'

test('one instance has so many streams and no more, and whoever leaves makes room', async (t) => {
  const served = await PeerSocket.served(t, undefined, 2)
  const streams = [await served.stream(), await served.stream()]
  for (const stream of streams) await served.greet(stream)
  const [first] = streams
  const more = await served.stream()
  void served.greet(more)
  await more.ended
  const [told] = served.engine.events
  assert.ok(told?.kind === 'peer-refused')
  assert.match(told.detail.error, /one more stream of lake; allowed: 2 at once/)
  first!.asked.destroy()
  await first!.ended
  await served.greet(await served.stream())
})

test('a process that comes again before the end of its stream was seen is live, until it says goodbye', async (t) => {
  const served = await PeerSocket.served(t)
  const { peers } = served.engine
  const [first, second] = [await served.stream(), await served.stream()]
  const peer = await served.greet(first)
  await served.greet(second, peer)
  first.asked.write('junk\n')
  await first.ended
  served.clock.advance(LIVENESS + 1)
  assert.deepEqual(
    peers.live().map((one) => one.peer),
    [peer],
  )
  const third = await served.stream()
  await served.greet(third, peer)
  third.asked.end(encodeMessage({ type: 'leave' }))
  await third.ended
  assert.deepEqual(peers.live(), [])
})

/** That the newest bundle is enforced, by the key of a service. */
async function acknowledgement(
  served: PeerSocket,
  peer: string,
  says: Partial<Acknowledgement> = {},
  by = 'lake',
): Promise<string> {
  const { head, digest } = readBundleHead(served.engine.store.bundle()!.head)
  const said = {
    ...{ meshId: head.meshId, peer, serial: served.serialOf(by), bundleKey: '00'.repeat(32) },
    ...{ number: head.number, digest, trustStatement: head.number, checkpoints: [], ...says },
  }
  const document = await sealAcknowledgement(said, served.signerOf(by))
  return encodeMessage({ type: 'acknowledgement', document })
}

test('an instance acknowledges by its own key what was published here, and nothing else', async (t) => {
  const other = '00'.repeat(16)
  const acknowledged: Readonly<
    Record<string, { by?: string; says?: Partial<Acknowledgement>; told: RegExp }>
  > = {
    'by its own, of the newest': { told: /JSON|message/ },
    'by the key of another': { by: 'stream', told: /what stream says on a stream of lake; allowed: / },
    'of another process': { says: { peer: other }, told: /another peer or mesh/ },
    'of another mesh': { says: { meshId: other }, told: /another peer or mesh/ },
    'of a later bundle': { says: { number: { generation: 1, counter: 99 } }, told: /never published here/ },
    'of another of that number': { says: { digest: '00'.repeat(32) }, told: /never published here/ },
  }
  for (const [what, { by = 'lake', says, told }] of Object.entries(acknowledged)) {
    const served = await PeerSocket.served(t)
    const { engine } = served
    const stream = await served.stream()
    const peer = await served.greet(stream)
    stream.asked.write(`${await acknowledgement(served, peer, says, by)}junk\n`)
    await stream.ended
    const { head } = readBundleHead(engine.store.bundle()!.head)
    const [known] = engine.peers.live()
    assert.deepEqual(
      [known?.serial, known?.acknowledged?.number],
      [served.serial, by === 'lake' && says === undefined ? head.number : undefined],
      what,
    )
    const [event] = engine.events
    assert.ok(event?.kind === 'peer-refused')
    assert.match(event.detail.error, told, what)
  }
})

test('a tree that a member has seen, and the log does not have, is an alarm', async (t) => {
  const served = await PeerSocket.served(t)
  const { store, logSeat, events } = served.engine
  const log = logSeat.log!
  const root = Buffer.alloc(32, 1).toString('base64')
  const saw = async (log: string) => {
    events.length = 0
    const stream = await served.stream()
    const peer = await served.greet(stream)
    stream.asked.write(
      `${await acknowledgement(served, peer, { checkpoints: [{ log, size: 7, root }] })}junk\n`,
    )
    await stream.ended
    return events.flatMap((event) => (event.kind === 'log-alarm' ? [event.detail.message] : []))
  }
  const own = keyIdOf(log.spki)
  t.mock.method(log, 'holds', async () => true)
  assert.deepEqual(await saw(own), [])
  t.mock.method(log, 'holds', async () => false)
  assert.match(
    String(await saw(own)),
    /^lake has seen a tree of 7 entries of .* that the log itself does not have$/,
  )
  assert.deepEqual(await saw('00'.repeat(32)), [])
  const [lake] = store.services()
  await store.write((transaction) => transaction.putService({ ...lake!, state: 'removed' }))
  assert.deepEqual(await saw(own), [])
})

test('a hello counts once, on the stream and in the mesh that it was said for', async (t) => {
  const served = await PeerSocket.served(t)
  const { engine } = served
  const [stream, other] = [await served.stream(), await served.stream()]
  const strange = [
    { ...stream, nonce: other.nonce },
    { ...other, meshId: '00'.repeat(16) },
  ]
  for (const one of strange) {
    await served.greet(one)
    await one.ended
  }
  assert.deepEqual(engine.peers.live(), [])
  const good = await served.stream()
  await served.greet(good)
  void served.greet(good)
  await good.ended
  assert.equal(engine.peers.live().length, 1)
  const errors = engine.events.map((event) => event.kind === 'peer-refused' && event.detail.error)
  assert.equal(errors.length, 3)
  for (const error of errors) assert.match(String(error), /hello for another stream or another mesh/)
})

test('a peer that says too much at once is not listened to any more', async (t) => {
  const served = await PeerSocket.served(t)
  const stream = await served.stream()
  await served.greet(stream)
  const refusal = encodeMessage({ type: 'refusal', rule: 'REVOKED', message: 'found a revoked one' })
  stream.asked.write(refusal.repeat(60))
  await stream.ended
  const [told] = served.engine.events
  assert.ok(told?.kind === 'peer-refused')
  assert.match(told.detail.error, /more than 60 messages at once; allowed: that, and 5 a second/)
})

test('a fault of the authority’s own ends the stream and is told, and a connection that broke is not', async (t) => {
  const served = await PeerSocket.served(t)
  const { engine } = served
  const broken = await served.stream()
  await served.greet(broken)
  broken.asked.destroy()
  await broken.ended
  const stream = await served.stream()
  await served.greet(stream)
  t.mock.method(engine.peers, 'refused', () => {
    throw new TypeError('no such peer')
  })
  stream.asked.write(encodeMessage({ type: 'refusal', rule: 'REVOKED', message: 'found a revoked one' }))
  await stream.ended
  assert.deepEqual(
    engine.events.map(({ kind, subject, detail }) => [kind, subject, 'code' in detail && detail.code]),
    [['peer-refused', 'lake', 'TypeError']],
  )
})

describe('a stream', () => {
  const peer = 'ab'.repeat(16)

  /** One that goes over no socket. */
  const begin = (served: PeerSocket, { shown, unsent = 0 }: { shown?: string; unsent?: number } = {}) => {
    const { engine } = served
    const said = new PassThrough()
    const heard: { type: string; nonce: string }[] = []
    const halted: string[] = []
    const response = {
      writeHead: () => {},
      write: (lines: string | Uint8Array) => {
        for (const line of String(lines).trim().split('\n')) heard.push(JSON.parse(line))
      },
      writableLength: unsent,
      destroy: () => said.end(),
    }
    const published = () => {
      const publication = publicationOf(engine.store)
      const announcement = announcementOf(publication, undefined, new DifferenceCache())
      return { ...publication, announcement }
    }
    const stream = new PeerStream(
      {
        ...{ ...engine, published, halt: (evidence) => halted.push(evidence) },
        ...{ acknowledgements: new AcknowledgementLog(engine), streams: new InstanceStreams() },
        events: new EventBudget(engine.clock),
      },
      response as unknown as ServerResponse,
      { shown, known: () => {} },
    )
    const ended = stream.run(said as unknown as IncomingMessage)
    const { nonce } = heard.shift()!
    /** Whatever it says at once; then it ends. */
    const say = async (...lines: readonly string[]) => {
      said.end(lines.join(''))
      await ended
    }
    const hello = async (says?: Partial<Hello>) =>
      encodeMessage({ type: 'hello', document: await served.hello({ nonce }, peer, says) })
    const types = () => heard.map(({ type }) => type)
    return { stream, say, hello, types, halted, nonce }
  }

  const told = ({ engine }: PeerSocket) =>
    engine.events.map((event) => event.kind === 'peer-refused' && event.detail.error)

  test('is sent what is news to it, and nothing before it has said who it is', async (t) => {
    const served = await PeerSocket.served(t)
    const { engine } = served
    await rotate(engine, { what: 'compromised', kind: 'bundle-key' })
    const trustStatement = { generation: 1, counter: 2 }
    const { generation, counter } = engine.store.bundle()!
    const news: readonly (readonly [has: Partial<Hello>, sent: string[]])[] = [
      [{}, ['trust-statement', 'head']],
      [{ trustStatement }, ['head']],
      [{ trustStatement, bundle: { generation, counter } }, []],
    ]
    for (const [has, sent] of news) {
      const { stream, say, hello, types } = begin(served)
      stream.push()
      assert.deepEqual(types(), [])
      await say(await hello(has))
      assert.deepEqual(types(), sent)
      stream.push()
      assert.deepEqual(types(), sent)
    }
  })

  test('begins with a hello', async (t) => {
    const report: Report = {
      ...{ serial: '01', version: '1', connections: [], open: 0, refused: {}, reported: {} },
      bundle: { generation: 1, counter: 1 },
    }
    const first: readonly PeerMessage[] = [
      { type: 'report', report },
      { type: 'refusal', rule: 'MISISSUED', message: 'found a misissued one' },
      { type: 'leave' },
    ]
    for (const message of first) {
      const served = await PeerSocket.served(t)
      const { say, types } = begin(served)
      await say(encodeMessage(message))
      assert.deepEqual([told(served), types()], [[`a stream began with ${message.type}`], []])
    }
    const served = await PeerSocket.served(t)
    const { say, hello, types } = begin(served)
    await say(await hello(), encodeMessage({ type: 'report', report }))
    assert.deepEqual([told(served), types()], [[], ['head', 'heard']])
    assert.deepEqual(served.engine.peers.live()[0]?.report, report)
  })

  test('is of the instance whose certificate was shown, and of a certificate that is on record', async (t) => {
    const served = await PeerSocket.served(t)
    const own = begin(served, { shown: 'lake' })
    await own.say(await own.hello())
    assert.deepEqual([told(served), served.engine.peers.live().length], [[], 1])
    const other = begin(served, { shown: 'stream' })
    await other.say(await other.hello())
    assert.match(String(told(served)), /^found a hello of lake on a connection of stream; /)
    served.engine.events.length = 0
    const unknown = begin(served)
    await unknown.say(await unknown.hello({ serial: 'ab' }))
    const [event] = served.engine.events
    assert.equal(event?.kind === 'peer-refused' && event.detail.code, 'SIGNATURE_INVALID')
  })

  test('halts the authority by a head that this inventory does not have, whoever shows it', async (t) => {
    const served = await PeerSocket.served(t)
    const { engine } = served
    const { head } = readBundleHead(engine.store.bundle()!.head)
    const later = await engine.keys.withSigner(activeSlot(engine, 'bundle-key'), (signer) =>
      sealBundleHead({ ...head, number: { generation: 1, counter: 9 } }, signer),
    )
    const shows = async (head: Uint8Array, serial: string) => {
      const { say, nonce, halted } = begin(served)
      const document = await served.hello({ nonce }, peer, { serial })
      await say(encodeMessage({ type: 'hello', document, head }))
      return halted
    }
    assert.deepEqual(await shows(engine.store.bundle()!.head, served.serial), [])
    const evidence = ['a peer showed bundle 1.9, and 1.2 is the newest on record here']
    assert.deepEqual(await shows(later, served.serial), evidence)
    assert.deepEqual(await shows(later, 'ab'), evidence)
  })

  test('goes on when its instance speaks by its next certificate', async (t) => {
    const served = await PeerSocket.served(t)
    const { engine } = served
    const { say, hello } = begin(served)
    const first = await hello()
    await rotate(engine, { what: 'pairs', service: 'lake' })
    engine.events.length = 0
    await say(first, await acknowledgement(served, peer))
    const [known] = engine.peers.live()
    assert.deepEqual([told(served), known?.serial], [[], served.serialOf('lake')])
    assert.notEqual(known?.serial, served.serial)
  })

  test('ends where too much of what it was sent is not read', async (t) => {
    const served = await PeerSocket.served(t)
    const [reads, sleeps] = [begin(served), begin(served, { unsent: 5 * 1024 * 1024 })]
    await reads.say(await reads.hello())
    await sleeps.say(await sleeps.hello())
    assert.deepEqual([reads.types(), sleeps.types()], [['head'], []])
  })
})

describe('what is told of what peers say', () => {
  const alarm = encodeMessage({ type: 'refusal', rule: 'MISISSUED', message: 'found a misissued one' })

  const junk = async (served: PeerSocket, count: number, say: (stream: OpenStream) => Promise<unknown>) => {
    for (let n = 0; n < count; n++) {
      const stream = await served.stream()
      await say(stream)
      stream.asked.write('junk\n')
      await stream.ended
    }
  }

  const kinds = ({ engine }: PeerSocket) => engine.events.map(({ kind, subject }) => `${kind} ${subject}`)

  test('is little, and strangers leave a member what he may say', async (t) => {
    const served = await PeerSocket.served(t)
    await junk(served, 25, async () => {})
    assert.deepEqual(kinds(served), Array(20).fill('peer-refused mesh'))
    served.engine.events.length = 0
    served.clock.advance(10 * 60_000)
    await junk(served, 2, async () => {})
    await junk(served, 1, (stream) => served.greet(stream))
    assert.deepEqual(kinds(served), ['peer-refused mesh', 'peer-refused lake'])
  })

  test('is an alarm only where a member says so', async (t) => {
    const served = await PeerSocket.served(t)
    const { store } = served.engine
    const raise = () =>
      junk(served, 1, async (stream) => {
        await served.greet(stream)
        stream.asked.write(alarm)
      })
    const told = async () => {
      served.engine.events.length = 0
      await raise()
      return served.engine.events.map(({ detail }) =>
        'rule' in detail ? detail.rule : 'code' in detail && detail.code,
      )
    }
    const refused = ['ALARM_NOT_A_MEMBER', 'MESSAGE_INVALID']
    assert.deepEqual(await told(), ['MISISSUED', 'MESSAGE_INVALID'])

    const [lake] = store.services()
    await store.write((transaction) => transaction.putService({ ...lake!, state: 'removed' }))
    assert.deepEqual(await told(), refused)
    await store.write((transaction) => transaction.putService(lake!))
    const { serial } = served
    const end = endOf(store.certificate(serial)!.notAfter)
    served.clock.set(end - 1)
    assert.deepEqual(await told(), ['MISISSUED', 'MESSAGE_INVALID'])
    served.clock.set(end)
    assert.deepEqual(await told(), refused)
    served.clock.set(end - 1)

    await store.write((transaction) =>
      transaction.revoke({ serial, reason: 'superseded', at: served.clock.now() }),
    )
    assert.deepEqual(await told(), refused)
  })
})
