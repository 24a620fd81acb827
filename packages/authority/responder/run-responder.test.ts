import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseCertificate } from '@datapunk/pki'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { certifyOcspSigner } from '../issuing/certify-ocsp-signer.ts'
import { rotate } from '../rotation/rotate.ts'
import { KeptStore } from '../store/kept-store.ts'
import { SqliteStore } from '../store/sqlite.ts'
import { testEngine } from '../testing/test-engine.ts'
import type { FromResponder, ToResponder } from './messages.ts'
import { runResponder } from './run-responder.ts'

const DAY = 24 * 60 * 60 * 1000
const no = { approve: () => false }

/** What answers for an authority, and the certificates that this has made for it. */
async function answering(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] })
  const dir = mkdtempSync(join(tmpdir(), 'responder-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const clock = new FixedClock(Date.UTC(2026, 5, 1))
  const inventory = join(dir, 'inventory.db')
  const store = new KeptStore(SqliteStore.open({ file: inventory }))
  atEnd(t, () => store.close())
  const engine = testEngine({ dir, clock, store, config: { services: { lake: {} } } })
  await apply(engine, no)

  const listeners: ((message: ToResponder) => void)[] = []
  const say = (message: ToResponder) => {
    for (const listener of listeners) listener(message)
  }
  const signers = () => engine.store.issuedOf('ocsp-signer')
  const certify = async ({ slot, spki }: Extract<FromResponder, { type: 'certify' }>) => {
    const der = await certifyOcspSigner(engine, slot, Buffer.from(spki, 'base64'))
    say({ type: 'signer', slot, certificate: Buffer.from(der).toString('base64') })
  }
  let certified = Promise.withResolvers<void>()
  const channel = {
    onMessage: (listener: (message: ToResponder) => void) => listeners.push(listener),
    send: (message: FromResponder) => {
      if (message.type === 'certify') certify(message).then(certified.resolve, certified.reject)
    },
  }
  /** Has it look whether its certificates are good. */
  const look = () => {
    certified = Promise.withResolvers()
    say({ type: 'changed' })
  }
  runResponder(channel, clock.now)
  // No address of this machine: nothing is left open.
  const place = { publicUrl: 'http://authority.service.datapunk', host: '192.0.2.1', port: 1 }
  const lives = { answersLive: 3 * DAY, clockSkew: engine.config.authority.clockSkew }
  say({ type: 'start', inventory, state: join(dir, '.mtls'), ...place, ...lives })
  await certified.promise
  return { engine, clock, signers, look, certified: () => certified.promise }
}

test('whoever answers has another certificate where its clock was ahead, once somebody has said that it is right', async (t) => {
  const { engine, clock, signers, look, certified } = await answering(t)
  clock.advance(400 * DAY)
  await apply(engine, no)
  look()
  await certified()
  assert.equal(signers().length, 2)

  clock.advance(-380 * DAY)
  look()
  await rotate(engine, { what: 'log', without: [] })
  await apply(engine, no)
  assert.equal(signers().length, 2, 'this clock may be the wrong one')

  look()
  await certified()
  assert.equal(signers().length, 3)
  assert.ok(parseCertificate(signers().at(-1)!.der!).notBefore <= clock.now())
  look()
  assert.equal(signers().length, 3)
})
