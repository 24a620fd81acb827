import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { encodeMessage, MessageReader, openAcknowledgement, type PeerMessage } from '@datapunk/protocol'
import { atEnd, FixedClock, TestMesh } from '@datapunk/testkit'
import { Membership } from './membership.ts'
import { PeerVoice } from './peer-voice.ts'

type Events = EventEmitter<{
  stream: [request: IncomingMessage]
  message: [message: PeerMessage]
  signing: [sign: () => void]
  waits: [delay: number]
}>

/**
 * The voice of `lake`, an authority that takes what it says, and a key that signs when it is told to.
 *
 * @param refusesHello so many times, and so ends the stream
 */
async function speak(t: TestContext, { refusesHello = 0 } = {}) {
  const events: Events = new EventEmitter()
  const testMesh = await TestMesh.create({ services: { lake: {} } })
  atEnd(t, () => testMesh.remove())
  const server = createServer((request, response) => {
    response.write(encodeMessage({ type: 'challenge', nonce: 'ab'.repeat(32) }))
    events.emit('stream', request)
    const reader = MessageReader.ofPeer()
    request.on('error', () => {})
    request.on('data', (chunk) => {
      for (const message of reader.read(chunk)) {
        if (message.type === 'hello' && refusesHello-- > 0) {
          response.destroy()
          return
        }
        if (message.type === 'report') response.write(encodeMessage({ type: 'heard' }))
        events.emit('message', message)
      }
    })
  })
  const socket = join(testMesh.folder, 'voice.sock')
  await once(server.listen(socket), 'listening')
  atEnd(t, () => server.close())
  atEnd(t, () => server.closeAllConnections())

  const fixed = new FixedClock(Date.now())
  const { now } = fixed
  const membership = await Membership.open({
    place: { file: testMesh.configFile, environment: undefined, root: undefined },
    ...{ service: 'lake', pollEvery: 10_000, memory: undefined, random: Buffer.alloc, clock: fixed },
  })
  atEnd(t, () => membership.stop())
  const signer = membership.current().identity.signer()
  const { sign } = signer
  t.mock.method(signer, 'sign', async (message: Uint8Array) => {
    await new Promise<void>((resolve) => events.emit('signing', resolve))
    return sign(message)
  })
  const unexpected = () => assert.fail('nothing is received or refused')
  const voice = new PeerVoice({
    place: () => ({ socket, address: undefined }),
    clock: {
      now,
      after: (delay, call) => {
        events.emit('waits', delay)
        return fixed.after(delay, call)
      },
    },
    random: Buffer.alloc,
    current: () => membership.current(),
    kept: async () => {},
    checkpoints: () => [],
    report: () => ({ connections: [], open: 0, refused: {}, refusedLast: [], reported: {} }),
    ...{ received: unexpected, refused: unexpected, failed: unexpected },
  })
  atEnd(t, () => voice.leave())
  return { voice, events, clock: fixed, testMesh, membership }
}

/** As soon as one of this type is heard. */
function heard(events: Events, type: PeerMessage['type']): Promise<PeerMessage> {
  const { promise, resolve } = Promise.withResolvers<PeerMessage>()
  events.on('message', (message) => message.type === type && resolve(message))
  return promise
}

test('an alarm is kept until it was said to a stream that lives', async (t) => {
  const { voice, events, clock } = await speak(t)
  const [[request], [sign]] = await Promise.all([once(events, 'stream'), once(events, 'signing')])
  voice.alarm({ kind: 'misissued', origin: 'log.test/1', checkpoints: [], message: 'a stranger' })
  const ended = once(events, 'waits')
  request.destroy()
  const [wait] = await ended
  sign()
  await setImmediate()
  const alarm = heard(events, 'refusal')
  events.on('signing', (signNow) => signNow())
  clock.advance(wait)
  assert.deepEqual(await alarm, { type: 'refusal', rule: 'MISISSUED', message: 'a stranger' })
})

test('an alarm is kept until the authority takes the hello, and is said once', async (t) => {
  const { voice, events, clock } = await speak(t, { refusesHello: 2 })
  const said: string[] = []
  events.on('message', ({ type }) => said.push(type))
  const alarm = heard(events, 'refusal')
  voice.alarm({ kind: 'misissued', origin: 'log.test/1', checkpoints: [], message: 'a stranger' })
  events.on('signing', (sign) => sign())
  // Those of its reports and its patience are longer by far.
  events.on('waits', (delay) => delay < 1000 && setImmediate().then(() => clock.advance(delay)))
  await alarm
  assert.equal(voice.isHeard, true)
  assert.deepEqual(
    said.filter((type) => type === 'hello' || type === 'refusal'),
    ['hello', 'refusal'],
  )
})

test('what is enforced is said in the order in which it came, however long a signature takes', async (t) => {
  const { voice, events, testMesh, membership } = await speak(t)
  const said: number[] = []
  const both = Promise.withResolvers<void>()
  events.on('message', (message) => {
    if (message.type !== 'acknowledgement') return
    const { spki } = membership.current().identity.leaf
    said.push(openAcknowledgement(message.document, () => spki).number.counter)
    if (said.length === 2) both.resolve()
  })
  const [signHello] = await once(events, 'signing')
  const signing = once(events, 'signing')
  signHello()
  const [signFirst] = await signing
  events.on('signing', (sign) => sign())
  await testMesh.publish()
  await membership.refresh()
  const acknowledged = voice.acknowledge()
  await setImmediate()
  signFirst()
  await acknowledged
  await both.promise
  assert.deepEqual(said, [1, 2])
})

test('of many alarms that nobody heard the first sixteen are kept', async (t) => {
  const { voice, events, clock } = await speak(t)
  const [[request], [sign]] = await Promise.all([once(events, 'stream'), once(events, 'signing')])
  for (let n = 1; n <= 20; n++)
    voice.alarm({ kind: 'misissued', origin: 'log.test/1', checkpoints: [], message: `stranger ${n}` })
  const ended = once(events, 'waits')
  request.destroy()
  const [wait] = await ended
  sign()
  await setImmediate()
  const said: string[] = []
  const last = Promise.withResolvers<void>()
  events.on('message', (message) => {
    if (message.type !== 'refusal') return
    said.push(message.message)
    if (message.message === 'the last') last.resolve()
  })
  events.on('signing', (signNow) => signNow())
  clock.advance(wait)
  while (!voice.isHeard) await setImmediate()
  voice.alarm({ kind: 'misissued', origin: 'log.test/1', checkpoints: [], message: 'the last' })
  await last.promise
  assert.deepEqual([said.length, said.at(-2)], [17, 'stranger 16'])
})

test('what was acknowledged is not said again', async (t) => {
  const { voice, events, testMesh, membership } = await speak(t)
  let said = 0
  events.on('message', ({ type }) => type === 'acknowledgement' && said++)
  events.on('signing', (sign) => sign())
  await heard(events, 'acknowledgement')
  await voice.acknowledge()
  const refusal = heard(events, 'refusal')
  voice.alarm({ kind: 'absent', origin: 'log.test/1', checkpoints: [], message: 'last' })
  await refusal
  assert.equal(said, 1)
  await testMesh.publish()
  await membership.refresh()
  const next = heard(events, 'acknowledgement')
  await voice.acknowledge()
  await next
  assert.equal(said, 2)
})
