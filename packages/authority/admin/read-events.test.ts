import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { EventBook, type KeptEvent, missedBetween, type ToldEvent } from '../events/event-book.ts'
import { MAX_UNREAD, sendEvents } from '../events/send-events.ts'
import { listenOnSocket } from '../sockets/socket.ts'
import { adminVersion, VERSION } from './admin-version.ts'
import { type ReadEventsOptions, readEvents } from './read-events.ts'

const eventOf = (subject: string | number): ToldEvent => ({
  kind: 'bundle-published',
  subject: String(subject),
  at: '2026-11-23T21:51:00Z',
  detail: {},
})
const subjects = (events: readonly KeptEvent[]) => events.map(({ event }) => event.subject)

describe('readEvents', () => {
  let folder: string
  let socket: string
  let book: EventBook
  let server: Server
  let answers: ServerResponse[]
  let version: string

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'events-'))
    socket = join(folder, 'admin.sock')
    book = new EventBook('a')
    answers = []
    version = adminVersion
    server = createServer(async (request, response) => {
      answers.push(response.setHeader(VERSION, version))
      const asked = JSON.parse(Buffer.concat(await request.toArray()).toString())
      try {
        sendEvents(response, book, asked)
      } catch (error) {
        const { code, message } = error as { code: string; message: string }
        response.writeHead(409).end(JSON.stringify({ code, message }))
      }
    })
    await listenOnSocket(server, socket, 0o600)
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
    rmSync(folder, { recursive: true })
  })

  const read = (options: Partial<ReadEventsOptions> = {}) =>
    readEvents(socket, { after: null, follow: true, asker: { purpose: 'events' }, ...options })

  test('ends after the last where nobody follows', async () => {
    book.add(eventOf('lake'))
    assert.deepEqual(subjects(await Array.fromAsync(read({ follow: false }))), ['lake'])
    assert.deepEqual(await Array.fromAsync(read({ follow: false, after: 'a.1' })), [])
  })

  test('goes on with what comes, and ends with the authority', async () => {
    book.add(eventOf('lake'))
    const events = read()
    assert.equal((await events.next()).value?.event.subject, 'lake')
    book.add(eventOf('stream'))
    assert.deepEqual((await events.next()).value, { position: 'a.2', event: eventOf('stream') })
    server.closeAllConnections()
    assert.equal((await events.next()).done, true)
  })

  test('believes no event of another version', async () => {
    book.add(eventOf('lake'))
    version = '0.0.1'
    await assert.rejects(read().next(), { code: 'VERSION_OTHER' })
  })

  test('ends when it is asked to', async () => {
    book.add(eventOf('lake'))
    const ending = new AbortController()
    const events = read({ signal: ending.signal })
    await events.next()
    ending.abort()
    assert.equal((await events.next()).done, true)
  })

  /** Follows, and reads nothing until it is resumed. */
  async function pausedReader(): Promise<IncomingMessage> {
    const call = request({ socketPath: socket, path: '/events', method: 'POST' })
    call.end(JSON.stringify({ after: null, follow: true }))
    const [answer] = (await once(call, 'response')) as [IncomingMessage]
    return answer.pause()
  }

  test('whoever stops reading costs a bounded amount, disturbs nobody, and sees what it has missed', async () => {
    const long = 'x'.repeat(2000)
    const total = 4000
    const paused = await pausedReader()
    const [unread] = answers
    const reading = read()
    let most = 0
    for (let number = 1; number <= total; number++) {
      book.add({ ...eventOf(number), detail: { long } })
      most = Math.max(most, unread!.writableLength)
      assert.equal((await reading.next()).value?.position, `a.${number}`)
    }
    assert.ok(most > MAX_UNREAD && most < MAX_UNREAD + 3000, `${most} bytes`)

    let told = 0
    let missed = 0
    let last: string | null = null
    let rest = ''
    for await (const text of paused.setEncoding('utf8')) {
      const lines = (rest + text).split('\n')
      rest = lines.pop()!
      for (const line of lines.filter(Boolean)) {
        const kept: KeptEvent = JSON.parse(line)
        missed += missedBetween(last, kept)
        last = kept.position
        told++
      }
      if (last === `a.${total}`) break
    }
    assert.ok(missed > 0)
    assert.equal(told + missed, total)
    await reading.return(undefined)
  })

  test('what is kept is told however much it is', async () => {
    const long = 'x'.repeat(4000)
    for (let number = 1; number <= 1000; number++) book.add({ ...eventOf(number), detail: { long } })
    const events = await Array.fromAsync(read({ follow: false }))
    assert.deepEqual([events.length, events.at(-1)?.position], [1000, 'a.1000'])
  })

  test('nobody there', async () => {
    const nowhere = readEvents(join(folder, 'none.sock'), {
      after: null,
      follow: true,
      asker: { purpose: 'events' },
    })
    await assert.rejects(nowhere.next(), { code: 'ADMIN_UNREACHABLE' })
  })

  test('somebody there who says nothing', async () => {
    server.removeAllListeners('request')
    await assert.rejects(read({ patience: 50 }).next(), { code: 'ADMIN_SILENT' })
  })

  test('more followers than there are people are refused, and one that goes makes room', async () => {
    book.add(eventOf('lake'))
    const followers = Array.from({ length: 64 }, () => read())
    for (const follower of followers) await follower.next()
    await assert.rejects(read().next(), { code: 'TOO_MANY_FOLLOWERS' })
    assert.equal((await Array.fromAsync(read({ follow: false }))).length, 1)
    await followers[0]?.return(undefined)
    while (
      (await read()
        .next()
        .catch(() => undefined)) === undefined
    );
  })
})
