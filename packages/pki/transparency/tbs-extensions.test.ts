import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { TestCa, type TestExtensions, testExtension } from '@datapunk/testkit'
import fc from 'fast-check'
import { encodeDer } from '../der/writer.ts'
import { withExtension, withoutPoison, withoutSctList } from './tbs-extensions.ts'

let ca: TestCa
before(async () => {
  ca = await TestCa.create()
})

const poison = testExtension.poison()
const malformed = { code: 'CERTIFICATE_MALFORMED' }
const nothing = Object.fromEntries(
  [
    'authorityKeyIdentifier',
    'subjectKeyIdentifier',
    'subjectAltName',
    'keyUsage',
    'extendedKeyUsage',
    'basicConstraints',
  ].map((name) => [name, null]),
)

async function tbsWith(extensions: TestExtensions): Promise<Uint8Array> {
  const { certificate } = await ca.leaf('lake', { extensions })
  return certificate.tbs
}

describe('cutting one extension out', () => {
  it('gives back what one was added to, whatever the lengths', async () => {
    const tbs = await tbsWith({})
    fc.assert(
      fc.property(fc.boolean(), fc.nat(30_000), (filled, length) => {
        const filler = testExtension.raw('1.2.3', new Uint8Array(length % 300))
        const plain = filled ? withExtension(tbs, filler) : tbs
        const list = testExtension.sctList(new Uint8Array(length))
        assert.deepEqual(withoutSctList(withExtension(plain, list)), plain)
        assert.deepEqual(withoutPoison(withExtension(plain, poison)), plain)
      }),
    )
  })

  it('keeps the order of the others, wherever it stood', async () => {
    const [first, rest] = [
      testExtension.raw('1.2.3', Uint8Array.of(5, 0)),
      testExtension.keyUsage(['keyAgreement']),
    ]
    const cut = withoutPoison(await tbsWith({ ...nothing, a: first, poison, b: rest }))
    assert.ok(Buffer.from(cut).includes(Buffer.concat([first, rest])))
    assert.ok(!Buffer.from(cut).includes(poison))
  })

  it('is refused without it, with it twice, and with it alone', async () => {
    const tbs = await tbsWith({})
    assert.throws(() => withoutPoison(tbs), malformed)
    assert.throws(() => withoutSctList(tbs), malformed)
    assert.throws(() => withoutPoison(withExtension(withExtension(tbs, poison), poison)), malformed)
    const alone = await tbsWith({ ...nothing, poison })
    assert.throws(() => withoutPoison(alone), malformed)
    const none = encodeDer((der) => der.sequence(() => der.smallInteger(1)))
    assert.throws(() => withoutPoison(none), malformed)
  })
})
