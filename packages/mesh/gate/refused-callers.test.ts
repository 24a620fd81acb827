import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, type TestContext, test } from 'node:test'
import { encodeMessage, MAX_REFUSED_LAST, MessageReader, type Report } from '@datapunk/protocol'
import { atEnd, badCertificates, FixedClock, TestMesh } from '@datapunk/testkit'
import { join } from '../index.ts'
import type { Refusal } from '../refusal.ts'
import { listen } from '../testing/listen.ts'
import { callAsStranger } from '../testing/stranger.ts'
import { RefusedCallers } from './refused-callers.ts'

describe('the callers that were refused last', () => {
  const refusal = (serial: string | undefined, remote?: string) =>
    ({ rule: 'REVOKED', at: 7, peer: { serial }, remote }) as unknown as Refusal

  test('are told with what they showed, as far as that is a serial', () => {
    const callers = new RefusedCallers()
    callers.add(refusal('ab', '127.0.0.1:1'))
    callers.add(refusal('ab'.repeat(21)))
    callers.add(refusal(undefined))
    assert.deepEqual(callers.last, [
      { rule: 'REVOKED', at: 7, serial: 'ab', remote: '127.0.0.1:1' },
      { rule: 'REVOKED', at: 7 },
      { rule: 'REVOKED', at: 7 },
    ])
  })

  test('are so many and no more', () => {
    const callers = new RefusedCallers()
    for (let serial = 0; serial <= MAX_REFUSED_LAST; serial++) callers.add(refusal(serial.toString(16)))
    assert.equal(callers.last.length, MAX_REFUSED_LAST)
    assert.equal(callers.last[0]?.serial, '1')
    assert.equal(callers.last.at(-1)?.serial, MAX_REFUSED_LAST.toString(16))
  })
})

/** The reports that a service makes to its authority, of which only the stream is there. */
class Reports {
  readonly #reports: Report[] = []
  #wake = () => {}

  static async of(t: TestContext, testMesh: TestMesh): Promise<Reports> {
    const reports = new Reports()
    const server = createServer((request, response) => {
      if (request.url !== '/stream') {
        response.writeHead(404).end()
        return
      }
      response.write(encodeMessage({ type: 'challenge', nonce: 'ab'.repeat(32) }))
      const reader = MessageReader.ofPeer()
      request.on('data', (chunk) => {
        for (const message of reader.read(chunk)) if (message.type === 'report') reports.#take(message.report)
      })
      request.on('error', () => {})
    })
    server.listen(testMesh.layout.mesh.socket)
    await once(server, 'listening')
    atEnd(t, () => {
      server.close()
      server.closeAllConnections()
    })
    return reports
  }

  #take(report: Report): void {
    this.#reports.push(report)
    this.#wake()
  }

  /** The report of this number, counted from 1, once it is there; it has to be the last. */
  async last(number: number): Promise<Report> {
    while (this.#reports.length < number) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    assert.equal(this.#reports.length, number)
    return this.#reports[number - 1]!
  }
}

test('a refusal is reported soon, with all that come at the same time', async (t) => {
  const testMesh = await TestMesh.create({ services: { lake: {}, stream: {} } })
  atEnd(t, () => testMesh.remove())
  const reports = await Reports.of(t, testMesh)
  const clock = new FixedClock(testMesh.ca.at)
  const lake = await join('lake', { config: testMesh.configFile, clock })
  atEnd(t, () => lake.leave())
  assert.deepEqual((await reports.last(1)).refusedLast, [])

  const server = lake.createServer((_, response) => response.end('hello'))
  server.on('tlsClientError', () => {})
  const port = await listen(server)
  atEnd(t, () => server.close())
  const refusals: Refusal[] = []
  lake.on('refused', (refusal) => refusals.push(refusal))
  const { keyPem, pem, certificate } = await badCertificates.longSerial.make(testMesh.ca, 'stream')
  await callAsStranger(port, 'GET / HTTP/1.1\r\n\r\n')
  await callAsStranger(port, 'GET / HTTP/1.1\r\n\r\n', {
    cert: testMesh.ca.chainPem({ pem } as never),
    key: keyPem,
  })
  await callAsStranger(port, '', { maxVersion: 'TLSv1.2' })
  assert.equal(refusals.length, 3)
  assert.ok(certificate.serial.length > 40)

  clock.advance(2000)
  const { refusedLast = [] } = await reports.last(2)
  assert.deepEqual(
    refusedLast.map(({ rule, serial, remote }) => ({ rule, serial, remote })),
    refusals.map(({ rule, remote }) => ({ rule, serial: undefined, remote })),
  )
  assert.deepEqual(
    refusedLast.map(({ rule }) => rule),
    ['NO_CERTIFICATE', 'CERTIFICATE_UNFIT', 'TLS_HANDSHAKE_FAILED'],
  )
  for (const { remote } of refusedLast) assert.match(remote ?? '', /^127\.0\.0\.1:\d+$/)

  // What was just told is not told again at once, however many come.
  await callAsStranger(port, 'GET / HTTP/1.1\r\n\r\n')
  clock.advance(100)
  await callAsStranger(port, 'GET / HTTP/1.1\r\n\r\n')
  clock.advance(1900)
  assert.equal((await reports.last(3)).refusedLast?.length, 5)
})
