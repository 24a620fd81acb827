import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { ConsoleMessage } from '@datapunk/protocol/console'
import { FixedClock } from '@datapunk/testkit'
import { PageError } from '../page-error.ts'
import { type Connection, followStream, SILENCE, waitBefore } from './stream.ts'

const BEAT = '{"type":"beat","at":1}\n'

/** A console whose streams a test speaks on and breaks off. */
class SpokenStream {
  readonly clock = new FixedClock(0)
  readonly connections: Connection[] = []
  readonly messages: ConsoleMessage[] = []
  /** Why it does not open; undefined where it does. */
  refusal: PageError | undefined
  opened = 0
  #speak: (text: string | undefined) => void = () => undefined
  readonly ended: Promise<unknown>
  readonly ending = new AbortController()

  constructor() {
    this.ended = followStream(
      {
        open: async (signal) => this.#open(signal),
        onMessage: (message) => this.messages.push(message),
        onConnection: (connection) => this.connections.push(connection),
        now: this.clock.now,
        after: this.clock.after,
        random: () => 0,
      },
      this.ending.signal,
    ).catch((error) => error)
  }

  /** Undefined: it breaks off. */
  async say(text: string | undefined): Promise<void> {
    await setImmediate()
    this.#speak(text)
    await setImmediate()
  }

  async pass(milliseconds: number): Promise<void> {
    this.clock.advance(milliseconds)
    await setImmediate()
  }

  get kinds(): string[] {
    return this.connections.map(({ kind }) => kind)
  }

  #open(signal: AbortSignal): AsyncIterable<string> {
    this.opened++
    if (this.refusal !== undefined) throw this.refusal
    const { readable, writable } = new TransformStream<string, string>()
    const writer = writable.getWriter()
    signal.addEventListener('abort', () => void writer.abort().catch(() => undefined))
    this.#speak = (text) =>
      void (text === undefined ? writer.abort() : writer.write(text)).catch(() => undefined)
    return readable
  }
}

describe('followStream', () => {
  test('is live with the first word, and tells every message', async () => {
    const stream = new SpokenStream()
    await setImmediate()
    assert.deepEqual(stream.kinds, ['connecting'])
    await stream.say(BEAT)
    await stream.say('{"type":"beat",')
    await stream.say('"at":2}\n')
    assert.deepEqual(stream.kinds, ['connecting', 'live'])
    assert.deepEqual(
      stream.messages.map((message) => message.type === 'beat' && message.at),
      [1, 2],
    )
    stream.ending.abort()
    assert.equal(await stream.ended, undefined)
  })

  test('reconnects after a break, and says for how long it was away', async () => {
    const stream = new SpokenStream()
    await stream.say(BEAT)
    await stream.say(undefined)
    assert.deepEqual(stream.kinds, ['connecting', 'live', 'reconnecting'])
    stream.refusal = new PageError('CONSOLE_UNREACHABLE', 'it does not answer')
    await stream.pass(250)
    await stream.pass(500)
    stream.refusal = undefined
    await stream.pass(1000)
    assert.equal(stream.opened, 4)
    await stream.say(BEAT)
    assert.deepEqual(stream.connections.at(-1), { kind: 'live', since: 1750, lostFor: 1750 })
    assert.equal(getEventListeners(stream.ending.signal, 'abort').length, 1, 'of the stream that is open')
    stream.ending.abort()
    await stream.ended
  })

  test('takes silence for a break', async () => {
    const stream = new SpokenStream()
    await stream.say(BEAT)
    await stream.pass(SILENCE - 1)
    await stream.say(BEAT)
    await stream.pass(SILENCE - 1)
    assert.deepEqual(stream.kinds, ['connecting', 'live'])
    await stream.pass(1)
    assert.deepEqual(stream.kinds, ['connecting', 'live', 'reconnecting'])
    stream.ending.abort()
    await stream.ended
  })

  test('takes what is no JSON for a break', async () => {
    const stream = new SpokenStream()
    await stream.say('<html>\n')
    assert.deepEqual(stream.kinds.at(-1), 'reconnecting')
    stream.ending.abort()
    await stream.ended
  })

  test('leaves nothing of a break behind, and ends also while it waits', async () => {
    const stream = new SpokenStream()
    for (let count = 0; count < 20; count++) {
      await stream.say(BEAT)
      await stream.say(undefined)
      await stream.pass(250)
    }
    assert.equal(stream.opened, 21)
    assert.equal(getEventListeners(stream.ending.signal, 'abort').length, 1)
    await stream.say(undefined)
    stream.ending.abort()
    assert.equal(await stream.ended, undefined)
    assert.equal(getEventListeners(stream.ending.signal, 'abort').length, 0)
  })

  test('ends with the session', async () => {
    const stream = new SpokenStream()
    await stream.say(BEAT)
    stream.refusal = new PageError('SESSION_ENDED', 'found no session')
    await stream.say(undefined)
    await stream.pass(250)
    assert.equal(await stream.ended, stream.refusal)
    assert.equal(stream.opened, 2)
  })
})

test('waits double up to four seconds, and are spread by lot', () => {
  const waits = [0, 1, 2, 3, 4, 5, 60].map((attempt) => waitBefore(attempt, () => 0))
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 4000, 4000])
  assert.equal(
    waitBefore(4, () => 0.5),
    3000,
  )
})
