import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import { FixedClock, TestCa } from '@datapunk/testkit'
import { OwnCertificate } from './own-certificate.ts'

const DAY = 24 * 60 * 60 * 1000

let ca: TestCa
let clock: FixedClock
let asked: number
let failure: Error | undefined
let own: OwnCertificate

beforeEach(async () => {
  ca = await TestCa.create()
  clock = new FixedClock(ca.at)
  asked = 0
  failure = undefined
  own = new OwnCertificate({
    clock: clock.now,
    certify: async (spki) => {
      asked++
      if (failure !== undefined) throw failure
      const life = { notBefore: clock.now(), notAfter: clock.now() + 2 * DAY }
      return ca.chainPem(await ca.leaf('authority', { spki, ...life }))
    },
  })
})

const good = () => true

describe('the console’s own certificate', () => {
  test('is none before it is certified', () => {
    assert.throws(() => own.held, TypeError)
  })

  test('is of the key that is shown with it', async () => {
    await own.renew(good)
    const { cert, key } = own.held
    const shown = createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'der' })
    assert.deepEqual(new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' }), shown)
  })

  test('is renewed at half of its life, with another key', async () => {
    await own.renew(good)
    const first = own.held
    clock.advance(DAY - 1)
    await own.renew(good)
    assert.deepEqual([own.held, asked], [first, 1])
    clock.advance(1)
    await own.renew(good)
    assert.equal(asked, 2)
    assert.notEqual(own.held.key, first.key)
  })

  test('is renewed at once when nobody would believe it any more', async () => {
    await own.renew(good)
    await own.renew(() => false)
    assert.equal(asked, 2)
  })

  test('is shown until there is another', async () => {
    await own.renew(good)
    const first = own.held
    failure = new Error('halted')
    await assert.rejects(
      own.renew(() => false),
      failure,
    )
    assert.deepEqual(own.held, first)
    failure = undefined
    await own.renew(() => false)
    assert.notDeepEqual(own.held, first)
  })

  test('is asked for once at a time', async () => {
    await Promise.all([own.renew(good), own.renew(good)])
    assert.equal(asked, 1)
  })
})
