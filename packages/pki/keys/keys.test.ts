import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { encodeDer } from '../der/writer.ts'
import { algorithmIdentifier } from './algorithm-identifier.ts'
import { generateKeyPair, type KeyAlgorithm, keyAlgorithms } from './key-algorithm.ts'
import { keyAlgorithmOf, publicKeyOf, spkiOf } from './public-key.ts'
import { verifySignature } from './signature.ts'
import { localSigner, type Signer } from './signer.ts'

const message = new TextEncoder().encode('what is signed')

describe('key algorithms', () => {
  for (const algorithm of Object.keys(keyAlgorithms) as KeyAlgorithm[]) {
    it(`${algorithm} makes keys that are recognised, sign and verify`, async () => {
      const { privateKey, publicKey } = await generateKeyPair(algorithm)
      const signer = localSigner(privateKey)
      assert.deepEqual(signer.spki, spkiOf(publicKey))
      assert.deepEqual(Buffer.from(signer.spki), publicKey.export({ type: 'spki', format: 'der' }))
      assert.equal(signer.algorithm, algorithm)
      assert.deepEqual(
        keyAlgorithmOf(signer.spki),
        algorithm === 'rsa' ? { algorithm, rsaBits: 2048 } : { algorithm },
      )
      const signature = await signer.sign(message)
      const signed = { spki: signer.spki, message, signature }
      assert.equal(verifySignature(signed), true)
      assert.equal(verifySignature({ ...signed, message: signature }), false)
      assert.equal(verifySignature({ ...signed, signature: message }), false)
      assert.equal(verifySignature({ ...signed, signature: new Uint8Array(0) }), false)
    })
  }

  it('make RSA keys only of the lengths allowed', async () => {
    for (const rsaBits of [1024, 2047, 2052, 4104, Number.NaN]) {
      await assert.rejects(generateKeyPair('rsa', { rsaBits }), { code: 'KEY_WEAK' })
    }
    const { publicKey } = await generateKeyPair('rsa', { rsaBits: 2056 })
    assert.equal(keyAlgorithmOf(spkiOf(publicKey)).rsaBits, 2056)
  })
})

describe('public keys', () => {
  const { publicKey: explicit } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    paramEncoding: 'explicit',
  })
  const ec = (namedCurve: string): Uint8Array => spkiOf(generateKeyPairSync('ec', { namedCurve }).publicKey)
  const rsa = (modulusLength: number, publicExponent = 65537): Uint8Array =>
    spkiOf(generateKeyPairSync('rsa', { modulusLength, publicExponent }).publicKey)

  for (const [what, make, code] of [
    ['P-521', () => ec('P-521'), 'KEY_UNSUPPORTED'],
    ['secp256k1', () => ec('secp256k1'), 'KEY_UNSUPPORTED'],
    ['Ed448', () => spkiOf(generateKeyPairSync('ed448').publicKey), 'KEY_UNSUPPORTED'],
    ['X25519', () => spkiOf(generateKeyPairSync('x25519').publicKey), 'KEY_UNSUPPORTED'],
    ['ML-DSA-44', () => spkiOf(generateKeyPairSync('ml-dsa-44').publicKey), 'KEY_UNSUPPORTED'],
    [
      'RSASSA-PSS',
      () => spkiOf(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey),
      'KEY_UNSUPPORTED',
    ],
    [
      'an EC key with explicit parameters',
      () => explicit.export({ type: 'spki', format: 'der' }),
      'KEY_UNSUPPORTED',
    ],
    ['RSA with 1024 bits', () => rsa(1024), 'KEY_WEAK'],
    ['RSA with 2052 bits', () => rsa(2052), 'KEY_WEAK'],
    ['RSA with exponent 3', () => rsa(2048, 3), 'KEY_WEAK'],
    ['a point cut off', () => ecWith(new Uint8Array(64).fill(4)), 'KEY_UNSUPPORTED'],
    ['a compressed point', () => ecWith(Uint8Array.of(2, ...new Uint8Array(64))), 'KEY_UNSUPPORTED'],
    ['a negative modulus', () => rsaWith(Uint8Array.of(0x80, ...new Uint8Array(255))), 'KEY_WEAK'],
    ['no key at all', () => Uint8Array.of(5, 0), 'DER_INVALID'],
  ] as const) {
    it(`${what} is refused`, () => assert.throws(() => keyAlgorithmOf(make()), { code }))
  }

  it('on a curve that their file spells out are written with its name', () => {
    const point = explicit.export({ type: 'spki', format: 'der' }).subarray(-65)
    assert.deepEqual(spkiOf(explicit), ecWith(point))
  })

  it('that lie on no curve are refused before they are used', () => {
    const spki = ecWith(Uint8Array.of(4, ...new Uint8Array(64).fill(1)))
    assert.equal(keyAlgorithmOf(spki).algorithm, 'ecdsa-p256')
    assert.throws(() => publicKeyOf(spki), { code: 'KEY_UNSUPPORTED' })
  })

  it('are kept, and only so many', () => {
    const spki = ec('P-256')
    const key = publicKeyOf(spki)
    assert.equal(publicKeyOf(new Uint8Array(spki)), key)
    for (let i = 0; i < 256; i++) publicKeyOf(ec('P-256'))
    assert.notEqual(publicKeyOf(spki), key)
  })
})

describe('signatures', () => {
  it('that are remembered as valid are so for the same message, key and hash alone', async () => {
    const [signer, other] = [await ecSigner(), await ecSigner()]
    const [spki, changing] = [new Uint8Array(signer.spki), new Uint8Array(message)]
    const signed = { spki, message: changing, signature: await signer.sign(message) }
    for (let round = 0; round < 2; round++) {
      assert.equal(verifySignature(signed, { remember: true }), true)
      assert.equal(verifySignature({ ...signed, spki: other.spki }, { remember: true }), false)
      assert.equal(verifySignature({ ...signed, message: changing.subarray(1) }), false)
      assert.equal(verifySignature({ ...signed, algorithm: algorithmIdentifier.ecdsaWithSha512 }), false)
    }
    // Whoever holds them may change them.
    changing[0]! ^= 1
    assert.equal(verifySignature(signed), false)
    spki.set(other.spki)
    assert.equal(verifySignature({ ...signed, message }), false)
    for (let n = 0; n < 600; n++) {
      const message = Uint8Array.of(n, n >> 8)
      const signature = await other.sign(message)
      assert.equal(verifySignature({ spki: other.spki, message, signature }, { remember: true }), true)
    }
    assert.equal(verifySignature({ ...signed, spki: signer.spki, message }), true)
  })

  it('verify with every hash that is strong enough, and no other algorithm', async () => {
    const signer = await ecSigner()
    const signed = { spki: signer.spki, message, signature: await signer.sign(message) }
    assert.equal(verifySignature({ ...signed, algorithm: algorithmIdentifier.ecdsaWithSha256 }), true)
    assert.equal(verifySignature({ ...signed, algorithm: algorithmIdentifier.ecdsaWithSha512 }), false)
    const sha1 = encodeDer((der) => der.sequence(() => der.oid('1.2.840.10045.4.1')))
    for (const algorithm of [sha1, algorithmIdentifier.sha256WithRsa, algorithmIdentifier.ed25519, message]) {
      assert.throws(() => verifySignature({ ...signed, algorithm }), {
        code: 'SIGNATURE_ALGORITHM_UNSUPPORTED',
      })
    }
  })
})

async function ecSigner(): Promise<Signer> {
  return localSigner((await generateKeyPair('ecdsa-p256')).privateKey)
}

function ecWith(point: Uint8Array): Uint8Array {
  return encodeDer((der) =>
    der.sequence(() => {
      der.raw(algorithmIdentifier.p256)
      der.octetsInBitString(point)
    }),
  )
}

function rsaWith(modulus: Uint8Array): Uint8Array {
  const key = encodeDer((der) =>
    der.sequence(() => {
      der.element(2, modulus)
      der.smallInteger(65537)
    }),
  )
  return encodeDer((der) =>
    der.sequence(() => {
      der.raw(algorithmIdentifier.rsaEncryption)
      der.octetsInBitString(key)
    }),
  )
}
