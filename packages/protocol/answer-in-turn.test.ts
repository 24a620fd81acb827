import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { answerInTurn } from './answer-in-turn.ts'

interface Begun {
  readonly url: string
  readonly response: ServerResponse
}

describe('the requests of one connection', () => {
  interface Options {
    readonly unreadFor?: number
    /** Answers at once. */
    readonly atOnce?: (response: ServerResponse) => void
  }

  /** A server that answers nothing by itself unless told to, and a client of it. */
  const open = async (t: { after(end: () => void): void }, { atOnce, ...options }: Options = {}) => {
    const begun: Begun[] = []
    const arrivals: (() => void)[] = []
    const told: string[] = []
    const inTurn = answerInTurn(({ url = '' }, response) => {
      begun.push({ url, response })
      atOnce?.(response)
      arrivals.shift()?.()
    }, options)
    const server = createServer((request: IncomingMessage, response: ServerResponse) => {
      told.push(request.url ?? '')
      inTurn(request, response)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
    client.on('error', () => {})
    atEnd(t, () => {
      client.destroy()
      server.closeAllConnections()
      server.close()
    })
    const [served] = (await once(server, 'connection')) as [Socket]
    /** Sends these, and waits until the first is begun. */
    const ask = async (count: number) => {
      const arrived = new Promise<void>((resolve) => arrivals.push(resolve))
      const requests = Array.from({ length: count }, (_, at) => `GET /${at} HTTP/1.1\r\nhost: x\r\n\r\n`)
      client.write(requests.join(''))
      await arrived
    }
    const next = () => new Promise<void>((resolve) => arrivals.push(resolve))
    return { begun, told, client, served, ask, next }
  }

  test('are answered one by one, as they came', async (t) => {
    const { begun, told, client, ask, next } = await open(t)
    let received = ''
    client.on('data', (text) => (received += text))
    await ask(3)
    for (const at of [0, 1, 2]) {
      assert.equal(told.length, 3)
      assert.deepEqual(
        begun.map(({ url }) => url),
        ['/0', '/1', '/2'].slice(0, at + 1),
      )
      const following = at < 2 ? next() : once(client, 'end')
      begun[at]!.response.writeHead(200, at < 2 ? {} : { connection: 'close' }).end(`answer ${at};`)
      await following
    }
    assert.deepEqual(received.match(/answer \d/g), ['answer 0', 'answer 1', 'answer 2'])
  })

  test('are not begun when somebody has asked for too much ahead: who has is cut', async (t) => {
    const { begun, served, ask } = await open(t)
    const cut = once(served, 'close')
    await ask(17)
    await cut
    assert.equal(begun.length, 1)
  })

  test('are up to sixteen', async (t) => {
    const { begun, served, ask, next } = await open(t)
    await ask(16)
    const second = next()
    begun[0]!.response.end()
    await second
    assert.equal(served.destroyed, false)
  })

  test('are not begun for who is gone', async (t) => {
    const { begun, client, served, ask } = await open(t)
    await ask(2)
    const gone = once(begun[0]!.response, 'close')
    client.destroy()
    await gone
    assert.ok(served.destroyed)
    assert.equal(begun.length, 1)
  })

  test('are begun at once where each comes after the answer to the one before', async (t) => {
    const { begun, client, ask } = await open(t)
    for (const number of [1, 2, 3]) {
      await ask(1)
      assert.equal(begun.length, number)
      const answered = once(client, 'data')
      begun.at(-1)!.response.end()
      await answered
    }
  })

  test('take their time, however soon what is ready has to be read', async (t) => {
    const { begun, served, ask, next } = await open(t, { unreadFor: 60_000 })
    await ask(2)
    assert.ok(!served.timeout)
    const second = next()
    begun[0]!.response.end()
    assert.equal(served.timeout, 60_000)
    await second
    assert.ok(!served.timeout)
  })

  test('may be answered before all of what was sent is read', async (t) => {
    const { begun, client, next } = await open(t)
    const arrived = next()
    client.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf')
    await arrived
    const [{ response }] = begun as [Begun]
    for await (const _ of response.req) break
    response.writeHead(413, { connection: 'close' }).end()
    const [answer] = await once(client, 'data')
    assert.match(String(answer), /^HTTP\/1\.1 413 /)
  })

  for (const [when, atOnce] of [
    ['at once', true],
    ['later', false],
  ] as const)
    test(`end where nobody reads what is ready ${when}`, async (t) => {
      // More than the system holds for who does not read.
      const answer = (response: ServerResponse) => void response.end(Buffer.alloc(64 * 1024 * 1024))
      const { begun, client, served, ask } = await open(t, {
        unreadFor: 50,
        ...(atOnce && { atOnce: answer }),
      })
      client.pause()
      const cut = once(served, 'close')
      await ask(2)
      if (!atOnce) answer(begun[0]!.response)
      await cut
      assert.equal(begun.length, 1)
    })
})
