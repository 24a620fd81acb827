import assert from 'node:assert/strict'
import { generateKeyPairSync, hash, sign } from 'node:crypto'
import { describe, it } from 'node:test'
import { formatCheckpoint } from './checkpoint.ts'
import { logId, openCheckpoint, signCheckpoint } from './signed-checkpoint.ts'
import { signNote } from './signed-note.ts'

function makeKey(namedCurve = 'P-256') {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve })
  return {
    spki: publicKey.export({ format: 'der', type: 'spki' }),
    sign: async (message: Uint8Array) => sign('sha256', message, privateKey),
  }
}

const key = makeKey()
const origin = 'log.example/2026'
const checkpoint = { origin, size: 70_000, root: Buffer.alloc(32, 7), timestamp: 1_800_000_000_123 }
const signed = Buffer.from(await signCheckpoint(checkpoint, key))

/** The note with the body of its only signature altered. */
function withBody(alter: (body: Buffer) => Uint8Array): Uint8Array {
  const [head, base64] = signed.toString().split(/(?<=\u2014 \S+ )/)
  const octets = Buffer.from(base64 as string, 'base64')
  const body = alter(Buffer.from(octets.subarray(4)))
  return Buffer.from(`${head}${Buffer.concat([octets.subarray(0, 4), body]).toString('base64')}\n`)
}

describe('signed checkpoints', () => {
  it('come back with their time', () => {
    assert.deepEqual(openCheckpoint(signed, { origin, spki: key.spki }), checkpoint)
  })

  it('name the key as static-ct-api says', () => {
    const octets = Buffer.from(signed.toString().trim().split(' ').at(-1) as string, 'base64')
    const named = Buffer.concat([Buffer.from(origin), Buffer.of(0x0a, 0x05), logId(key.spki)])
    assert.deepEqual(octets.subarray(0, 4), hash('sha256', named, 'buffer').subarray(0, 4))
    assert.equal(octets.readBigUInt64BE(4), 1_800_000_000_123n)
    assert.deepEqual([...octets.subarray(12, 14)], [4, 3])
    assert.equal(octets.readUInt16BE(14), octets.length - 16)
  })

  it('sign what RFC 6962 3.5 lays out', async () => {
    let message: Uint8Array | undefined
    await signCheckpoint(checkpoint, {
      spki: key.spki,
      sign: async (octets) => {
        message = octets
        return Buffer.alloc(70)
      },
    })
    assert.equal(
      Buffer.from(message as Uint8Array).toString('hex'),
      `0001000001a3185c507b0000000000011170${'07'.repeat(32)}`,
    )
  })

  it('are refused under another key, another origin or with another size', () => {
    const { spki } = makeKey()
    assert.throws(() => openCheckpoint(signed, { origin, spki }), { code: 'NOTE_SIGNATURE_INVALID' })
    assert.throws(() => openCheckpoint(signed, { origin: 'other.example', spki: key.spki }), {
      code: 'NOTE_SIGNATURE_INVALID',
    })
    const grown = Buffer.from(signed.toString().replace('70000', '70001'))
    assert.throws(() => openCheckpoint(grown, { origin, spki: key.spki }), { code: 'NOTE_SIGNATURE_INVALID' })
  })

  it('are refused with an origin that their key does not bear, as the signature leaves it out', () => {
    const renamed = Buffer.from(signed.toString().replace(origin, 'other.example'))
    assert.throws(() => openCheckpoint(renamed, { origin, spki: key.spki }), { code: 'CHECKPOINT_INVALID' })
  })

  it('are refused with more entries than SCTs can number', async () => {
    const open = async (size: number) =>
      openCheckpoint(await signCheckpoint({ ...checkpoint, size }, key), { origin, spki: key.spki })
    assert.equal((await open(2 ** 40)).size, 2 ** 40)
    await assert.rejects(open(2 ** 40 + 1), { code: 'CHECKPOINT_INVALID' })
  })

  it('are refused with an extension line, though it is not signed', () => {
    const extended = Buffer.from(signed.toString().replace('\n\n', '\nmore\n\n'))
    assert.throws(() => openCheckpoint(extended, { origin, spki: key.spki }), { code: 'CHECKPOINT_INVALID' })
  })

  for (const [why, octets] of [
    ['another time', withBody((body) => body.fill(0, 7, 8))],
    ['a time over 2^53', withBody((body) => body.fill(0xff, 0, 8))],
    ['another algorithm', withBody((body) => body.fill(1, 9, 10))],
    ['a length that is not its own', withBody((body) => body.fill(1, 11, 12))],
    ['an octet more', withBody((body) => Buffer.concat([body, Buffer.alloc(1)]))],
    ['half a signature', withBody((body) => body.subarray(0, 40))],
    ['no signature', withBody((body) => body.subarray(0, 12))],
    ['an octet only', withBody((body) => body.subarray(0, 1))],
  ] as const) {
    it(`are refused with a signature of ${why}`, () => {
      assert.throws(() => openCheckpoint(octets, { origin, spki: key.spki }), {
        code: 'NOTE_SIGNATURE_INVALID',
      })
    })
  }

  it('may bear signatures of others', () => {
    const [text, ours] = signed.toString().split('\n\n') as [string, string]
    const witnessed = signNote(`${text}\n`, [{ name: 'witness.example', id: 1, body: Buffer.alloc(72) }])
    const both = Buffer.concat([witnessed, Buffer.from(ours)])
    assert.equal(openCheckpoint(both, { origin, spki: key.spki }).size, 70_000)
    assert.equal(text, formatCheckpoint(checkpoint).trim())
  })

  it('take a key of P-256 only', () => {
    assert.throws(() => openCheckpoint(signed, { origin, spki: makeKey('P-384').spki }), TypeError)
  })
})
