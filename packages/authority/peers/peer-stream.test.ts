import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { endOf } from '@datapunk/pki'
import {
  type Acknowledgement,
  encodeMessage,
  keyIdOf,
  readBundleHead,
  sealAcknowledgement,
} from '@datapunk/protocol'
import { LIVENESS } from '../engine/peer-book.ts'
import { type OpenStream, PeerSocket } from '../testing/peer-socket.ts'

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
