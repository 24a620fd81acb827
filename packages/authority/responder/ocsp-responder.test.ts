import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import {
  type Certificate,
  certIdOf,
  checkOcspResponse,
  encodeOcspRequest,
  generateKeyPair,
  localSigner,
  parseCertificate,
  parseCrl,
  parseOcspResponse,
  type Signer,
} from '@datapunk/pki'
import { FixedClock, TestCa } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { caCertificate } from '../engine/ca-certificate.ts'
import type { Engine } from '../engine/engine.ts'
import { certifyOcspSigner } from '../issuing/certify-ocsp-signer.ts'
import { revoke } from '../revocation/revoke.ts'
import { testEngine } from '../testing/test-engine.ts'
import { LogShelf } from './log-shelf.ts'
import { OcspResponder } from './ocsp-responder.ts'
import { statusServer } from './status-server.ts'

const DAY = 24 * 60 * 60 * 1000
const no = { approve: () => false }

describe('whoever answers for the authority', () => {
  let dir: string
  let clock: FixedClock
  let engine: Engine
  let issuer: Certificate
  let leaf: Certificate
  let signed: number
  /** Every signature waits for it. */
  let ready: Promise<void>
  let responder: OcspResponder
  let server: ReturnType<typeof statusServer>
  let url: string

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'ocsp-'))
    clock = new FixedClock(Date.UTC(2026, 5, 1))
    engine = testEngine({ dir, clock, config: { services: { lake: {}, stream: {} } } })
    await apply(engine, no)
    issuer = caCertificate(engine.store.slots().find(({ kind }) => kind === 'issuing-ca')!.certificate!)
    leaf = parseCertificate(engine.store.currentCertificates()[0]!.der!)
    const key = localSigner((await generateKeyPair('ecdsa-p256')).privateKey)
    const certificate = parseCertificate(await certifyOcspSigner(engine, 'issuing-ca-1', key.spki))
    signed = 0
    ready = Promise.resolve()
    const sign: Signer['sign'] = async (message) => {
      signed++
      await ready
      return key.sign(message)
    }
    const signer: Signer = { ...key, sign }
    responder = new OcspResponder({
      ...{ store: engine.store, clock: clock.now, answersLive: 3 * DAY, clockSkew: 300_000 },
      signerOf: (slot) => (slot === 'issuing-ca-1' ? { signer, certificate } : undefined),
    })
    const logs = new LogShelf({ store: engine.store, layout: engine.layout, publicUrl: undefined })
    server = statusServer({ store: engine.store, ocsp: responder, logs, clock: clock.now })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })

  afterEach(() => {
    server.close()
    server.closeAllConnections()
    rmSync(dir, { recursive: true })
  })

  const questionOf = (hash: 'sha1' | 'sha256' = 'sha256', nonce?: Uint8Array) =>
    encodeOcspRequest({ certId: certIdOf({ issuer, serial: leaf.serial, hash }), nonce })
  const post = async (body: Uint8Array) => {
    const answer = await fetch(`${url}/ocsp`, { method: 'POST', body })
    return { answer, der: new Uint8Array(await answer.arrayBuffer()) }
  }
  const check = (der: Uint8Array, nonce?: Uint8Array) =>
    checkOcspResponse({
      ...{ response: parseOcspResponse(der), leaf, issuer, at: clock.now(), clockSkew: 0, nonce },
    })

  for (const hash of ['sha1', 'sha256'] as const) {
    test(`says what is good and what is revoked, asked by POST and GET, with ${hash}`, async () => {
      const question = questionOf(hash)
      assert.equal(check((await post(question)).der).status.kind, 'good')
      const path = encodeURIComponent(Buffer.from(question).toString('base64'))
      const got = await fetch(`${url}/ocsp/${path}`)
      assert.equal(got.headers.get('content-type'), 'application/ocsp-response')
      assert.equal(check(new Uint8Array(await got.arrayBuffer())).status.kind, 'good')
      const headers = { 'if-modified-since': got.headers.get('last-modified')! }
      assert.equal((await fetch(`${url}/ocsp/${path}`, { headers })).status, 304)
      assert.equal(signed, 1, 'signed once')
      await revoke(engine, { targets: [{ serial: leaf.serial }], reason: 'key-compromise' })
      responder.forget()
      const { status } = check((await post(question)).der)
      // As of when it says that it is known: whose clock is late believes it too.
      const at = clock.now() - 300_000
      assert.deepEqual(status, { kind: 'revoked', at, reason: 'keyCompromise' })
    })
  }

  test('keeps no answer that was begun before something was revoked', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    ready = promise
    const begun = [responder.answer(questionOf()), responder.staple(leaf.serial)]
    assert.equal(signed, 2)
    await revoke(engine, { targets: [{ serial: leaf.serial }], reason: 'key-compromise' })
    responder.forget()
    resolve()
    await Promise.all(begun)
    assert.equal(check((await responder.answer(questionOf())).der).status.kind, 'revoked')
    assert.equal(check((await responder.staple(leaf.serial))!).status.kind, 'revoked')
  })

  test('repeats a nonce, and lets nobody keep that answer', async () => {
    const nonce = new Uint8Array(32).fill(7)
    const { answer, der } = await post(questionOf('sha256', nonce))
    assert.equal(check(der, nonce).status.kind, 'good')
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    await post(questionOf('sha256', nonce))
    assert.equal(signed, 2)
  })

  test('lets others be kept, and signs the next one at half of its life', async () => {
    const { answer, der } = await post(questionOf())
    const { thisUpdate, nextUpdate } = check(der)
    assert.equal(answer.headers.get('last-modified'), new Date(thisUpdate).toUTCString())
    assert.equal(answer.headers.get('expires'), new Date(nextUpdate).toUTCString())
    assert.equal(answer.headers.get('etag'), `"${createHash('sha256').update(der).digest('hex')}"`)
    assert.match(answer.headers.get('cache-control')!, /^max-age=\d+,public,no-transform,must-revalidate$/)
    clock.advance(1.4 * DAY)
    await post(questionOf())
    assert.equal(signed, 1)
    clock.advance(0.2 * DAY)
    assert.ok(check((await post(questionOf())).der).thisUpdate > thisUpdate)
  })

  test('signs another where the clock was ahead, and keeps it where it may be behind now', async () => {
    clock.advance(1.4 * DAY)
    const { thisUpdate } = check((await post(questionOf())).der)
    clock.advance(-10 * 60_000)
    assert.ok(check((await post(questionOf())).der).thisUpdate < thisUpdate)
    clock.advance(-1.4 * DAY)
    await post(questionOf())
    assert.equal(signed, 2, 'the bundle is of the future too')
    clock.advance(10 * 60_000)
    assert.ok(check((await post(questionOf())).der).thisUpdate <= clock.now())
    assert.equal(signed, 3)
  })

  test('calls nothing good that was not issued', async () => {
    const ask = async (serial: string) => {
      const certId = certIdOf({ issuer, serial, hash: 'sha256' })
      const { der } = await post(encodeOcspRequest({ certId }))
      const response = parseOcspResponse(der)
      return response.status === 'successful' ? response.answers[0]?.status.kind : response.status
    }
    const { der: _der, state: _state, ...intent } = engine.store.certificate(leaf.serial)!
    await engine.store.write((transaction) =>
      transaction.recordIntent({ ...intent, serial: '1234567890abcdef' }),
    )
    assert.equal(await ask('1234567890abcdef'), 'unknown')
    assert.equal(await responder.staple('1234567890abcdef'), undefined)
    assert.equal(await ask('55'.repeat(16)), 'unknown')
    assert.equal(await ask(engine.store.issuedOf('issuing-ca')[0]!.serial), 'unknown')
  })

  test('has what is about to be issued unknown for a moment only, for whoever asks and for caches', async () => {
    const serial = '1234567890abcdef'
    const { der: _der, state: _state, ...intent } = engine.store.certificate(leaf.serial)!
    await engine.store.write((transaction) => transaction.recordIntent({ ...intent, serial }))
    const about = encodeOcspRequest({ certId: certIdOf({ issuer, serial, hash: 'sha256' }) })
    const { answer, der } = await post(about)
    const response = parseOcspResponse(der)
    assert.ok(response.status === 'successful')
    assert.deepEqual(
      response.answers.map(({ status, nextUpdate }) => [status.kind, nextUpdate! - clock.now()]),
      [['unknown', 60_000]],
    )
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    await engine.store.write((transaction) => transaction.recordIssued(serial, Uint8Array.of(7)))
    assert.equal((await post(about)).answer.headers.get('cache-control')?.includes('max-age'), true)
  })

  test('is not authorized for the certificates of others, and says so', async () => {
    const other = await TestCa.create({ at: clock.now() })
    const certId = certIdOf({ issuer: other.issuing.certificate, serial: leaf.serial, hash: 'sha256' })
    assert.equal(parseOcspResponse((await post(encodeOcspRequest({ certId }))).der).status, 'unauthorized')
    const root = caCertificate(engine.store.slots().find(({ kind }) => kind === 'root')!.certificate!)
    const ofRoot = certIdOf({ issuer: root, serial: issuer.serial, hash: 'sha256' })
    assert.equal(
      parseOcspResponse((await post(encodeOcspRequest({ certId: ofRoot }))).der).status,
      'unauthorized',
    )
  })

  for (const [what, body] of Object.entries({
    nothing: new Uint8Array(),
    'a certificate': new Uint8Array([0x30, 0x03, 0x02, 0x01, 0x01]),
    'octets of no meaning': new Uint8Array(500).fill(0xff),
  })) {
    test(`answers ${what} with malformedRequest`, async () => {
      const { answer, der } = await post(body)
      assert.deepEqual([answer.status, parseOcspResponse(der).status], [200, 'malformedRequest'])
      assert.equal(answer.headers.get('cache-control'), 'no-store')
    })
  }

  test('answers a GET that is no base64 with malformedRequest, and reads no endless path', async () => {
    for (const path of ['%%%', 'AAAA', '%ff%fe', '']) {
      const answer = await fetch(`${url}/ocsp/${path}`)
      const response = parseOcspResponse(new Uint8Array(await answer.arrayBuffer()))
      assert.equal(response.status, 'malformedRequest', path)
    }
    assert.equal((await fetch(`${url}/ocsp/${'A'.repeat(4000)}`)).status, 414)
  })

  test('reads no endless body', async () => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) })
    socket.on('error', () => {})
    socket.write('POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Length: 10485760\r\n\r\n')
    const flood = setInterval(() => socket.write(Buffer.alloc(8192)), 1)
    let said = ''
    socket.on('data', (bytes) => (said += bytes))
    await new Promise((resolve) => socket.once('close', resolve))
    clearInterval(flood)
    assert.match(said, /^HTTP\/1\.1 413/)
  })

  test('serves the list and the certificate that a leaf names, and nothing else', async () => {
    const { crlDistributionPoints, authorityInfoAccess } = leaf.extensions
    const [point] = crlDistributionPoints!.points[0]!.fullName
    const places = authorityInfoAccess!.descriptions.map(({ location }) => location)
    const pathOf = (name: unknown) => new URL((name as { value: string }).value).pathname
    const list = await fetch(url + pathOf(point))
    assert.equal(list.headers.get('content-type'), 'application/pkix-crl')
    const crl = parseCrl(new Uint8Array(await list.arrayBuffer()))
    assert.ok(crl.issuer.equals(issuer.subject))
    const had = [
      { 'if-none-match': `W/${list.headers.get('etag')}` },
      { 'if-modified-since': list.headers.get('last-modified')! },
    ]
    for (const headers of had) assert.equal((await fetch(url + pathOf(point), { headers })).status, 304)
    const ca = await fetch(url + pathOf(places.find((one) => pathOf(one).startsWith('/ca/'))))
    assert.deepEqual(new Uint8Array(await ca.arrayBuffer()), issuer.der)
    for (const path of ['/', '/crl/', '/crl/0000000000000000.crl', '/ca/../../etc/passwd', '/inventory.db'])
      assert.equal((await fetch(url + path)).status, 404, path)
    for (const [path, allow] of [
      ['/ocsp', 'GET, HEAD, POST'],
      ['/crl/0000000000000000.crl', 'GET, HEAD'],
    ]) {
      const { status, headers } = await fetch(url + path, { method: 'DELETE' })
      assert.deepEqual([status, headers.get('allow')], [405, allow])
    }
  })

  test('has a staple for what is on record, and none for anything else', async () => {
    const staple = await responder.staple(leaf.serial)
    assert.equal(check(staple!).status.kind, 'good')
    assert.equal(await responder.staple('55'.repeat(16)), undefined)
  })
})
