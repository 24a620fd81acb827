import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { decodePem, encodePem } from '@datapunk/pki'
import { seededRandom } from '@datapunk/testkit'
import fc from 'fast-check'
import { AuthorityError } from '../error.ts'
import { envelopeLabel, envelopeName, type KeyName, openKey, sealKey } from './envelope.ts'
import { Passphrase } from './passphrase.ts'
import { scryptCost } from './passphrase-key.ts'

const cost = { N: 2 ** 10, r: 8, p: 1 }
const name: KeyName = { slot: 'root-1', kind: 'root', spkiHash: 'ab'.repeat(32) }
const passphrase = new Passphrase(Buffer.from('correct horse'))
const key = Buffer.from('the octets of a key')
const seal = (change: Partial<Parameters<typeof sealKey>[1]> = {}) =>
  sealKey(key, { name, passphrase, randomBytes: seededRandom('envelope'), cost, ...change })
const sealed = await seal()

/** The envelope with its header changed, everything else as it was. */
function withHeader(change: (header: Record<string, unknown>) => void): string {
  const content = Buffer.from(decodePem(sealed, envelopeLabel)[0]!)
  const end = content.indexOf(0x0a)
  const header = JSON.parse(content.subarray(0, end).toString())
  change(header)
  return encodePem(envelopeLabel, Buffer.concat([Buffer.from(JSON.stringify(header)), content.subarray(end)]))
}

test('what was sealed opens with the same passphrase, and says whose key it is', async () => {
  assert.deepEqual(Buffer.from(await openKey(sealed, passphrase)), key)
  assert.deepEqual(Buffer.from(await openKey(Buffer.from(sealed), passphrase)), key)
  assert.deepEqual(envelopeName(sealed), name)
})

test('the text holds neither key nor passphrase', () => {
  const content = Buffer.from(decodePem(sealed, envelopeLabel)[0]!)
  assert.ok(!content.includes(key) && !content.includes('correct horse'))
})

test('two envelopes of one key share neither salt nor nonce nor ciphertext', async () => {
  const headers = [await seal({ randomBytes }), await seal({ randomBytes })].map((pem) => {
    const content = Buffer.from(decodePem(pem, envelopeLabel)[0]!)
    return JSON.parse(content.subarray(0, content.indexOf(0x0a)).toString())
  })
  assert.notEqual(headers[0].salt, headers[1].salt)
  assert.notEqual(headers[0].nonce, headers[1].nonce)
})

test('the cost in use is the one OWASP names first, and stands in the header', async () => {
  assert.deepEqual(scryptCost, { N: 131_072, r: 8, p: 1 })
  const pem = await seal({ cost: undefined })
  const content = Buffer.from(decodePem(pem, envelopeLabel)[0]!).toString('latin1')
  assert.match(content, /"kdf":"scrypt","N":131072,"r":8,"p":1/)
  assert.deepEqual(Buffer.from(await openKey(pem, passphrase)), key)
})

test('a wrong passphrase is told from a damaged file', async () => {
  const wrong = new Passphrase(Buffer.from('wrong horse'))
  await assert.rejects(openKey(sealed, wrong), { code: 'PASSPHRASE_WRONG', data: { slot: 'root-1' } })
})

test('a header that was changed in any field opens nothing', async () => {
  const changes: Record<string, unknown> = {
    slot: 'root-2',
    kind: 'bundle-key',
    spkiHash: 'ba'.repeat(32),
    nonce: '00'.repeat(12),
  }
  for (const [field, value] of Object.entries(changes)) {
    const changed = withHeader((header) => {
      header[field] = value
    })
    await assert.rejects(
      openKey(changed, passphrase),
      { code: 'ENVELOPE_INVALID', message: /was changed/ },
      field,
    )
  }
  const spaced = withHeader((header) => {
    header.note = 'more'
  })
  await assert.rejects(openKey(spaced, passphrase), { code: 'ENVELOPE_INVALID' })
})

test('a salt or check that was changed is as a wrong passphrase', async () => {
  for (const [field, octets] of [
    ['salt', 16],
    ['check', 16],
  ] as const) {
    const changed = withHeader((header) => {
      header[field] = '00'.repeat(octets)
    })
    await assert.rejects(openKey(changed, passphrase), { code: 'PASSPHRASE_WRONG' })
  }
})

test('a file may not make us spend more memory or work than ours do', async () => {
  const costs: unknown[][] = [
    [2 ** 30, 8, 1],
    [2 ** 20, 32, 1],
    [2 ** 17, 8, 5],
    [2 ** 17, 1024, 1],
    [2 ** 17 + 1, 8, 1],
    [2 ** 9, 8, 1],
    [0, 8, 1],
    [-1024, 8, 1],
    [1024.5, 8, 1],
    [1024, 0, 1],
    [1024, 8, 0],
    ['1024', 8, 1],
    [null, 8, 1],
    [1e308, 8, 1],
  ]
  for (const [N, r, p] of costs) {
    const greedy = withHeader((header) => Object.assign(header, { N, r, p }))
    await assert.rejects(openKey(greedy, passphrase), { code: 'ENVELOPE_INVALID', message: /memory or work/ })
  }
})

test('fields of another form are refused by name', () => {
  const faults: [string, unknown][] = [
    ['version', 2],
    ['kdf', 'argon2id'],
    ['cipher', 'aes-128-cbc'],
    ['slot', 7],
    ['kind', 'leaf'],
    ['spkiHash', 'AB'.repeat(32)],
    ['salt', 'ab'],
    ['nonce', 'zz'.repeat(12)],
    ['check', undefined],
  ]
  for (const [field, value] of faults) {
    const changed = withHeader((header) => {
      header[field] = value
    })
    assert.throws(() => envelopeName(changed), { code: 'ENVELOPE_INVALID' }, field)
  }
})

test('any other text is refused with a typed error', async () => {
  const other = encodePem('PRIVATE KEY', key)
  for (const text of ['', 'x', other, sealed + sealed, sealed.slice(0, -30), encodePem(envelopeLabel, key)]) {
    await assert.rejects(openKey(text, passphrase), { code: 'ENVELOPE_INVALID' })
  }
  await assert.rejects(openKey(encodePem(envelopeLabel, Buffer.alloc(20_000)), passphrase), {
    code: 'ENVELOPE_INVALID',
    message: /longer than 16384/,
  })
})

test('whatever the bytes: a typed error, never another', async () => {
  const content = decodePem(sealed, envelopeLabel)[0]!
  await fc.assert(
    fc.asyncProperty(
      fc.nat(content.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.nat(content.length),
      async (at, flip, length) => {
        const changed = Uint8Array.from(content)
        changed[at] = changed[at]! ^ flip
        for (const octets of [changed, content.subarray(0, length)]) {
          if (octets.length === content.length && octets !== changed) continue
          await assert.rejects(
            openKey(octets.length === 0 ? '' : encodePem(envelopeLabel, octets), passphrase),
            AuthorityError,
          )
        }
      },
    ),
    { numRuns: 200 },
  )
})
