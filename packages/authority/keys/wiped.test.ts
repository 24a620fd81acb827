import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { decodePem, encodePem } from '@datapunk/pki'
import { atEnd, seededRandom } from '@datapunk/testkit'
import { Disk } from '../disk/disk.ts'
import { envelopeLabel, openKey } from './envelope.ts'
import { KeyStore, type KeyStoreOptions } from './key-store.ts'
import { findPassphrase, Passphrase } from './passphrase.ts'

const issuing = { id: 'issuing-ca-1', kind: 'issuing-ca' } as const
const bundle = { id: 'bundle-key-1', kind: 'bundle-key' } as const
const passphrase = new Passphrase(Buffer.from('correct horse'))

/** Every octet of a key, or of what opens one, that goes through node:crypto from now on. */
function secretsIn(t: TestContext): Uint8Array[] {
  const seen: Uint8Array[] = []
  const see = (...octets: unknown[]) => seen.push(...octets.filter((one) => one instanceof Uint8Array))
  const { createPrivateKey, hkdfSync, createCipheriv, createDecipheriv } = crypto
  t.mock.method(crypto, 'createPrivateKey', (given: crypto.PrivateKeyInput) => {
    see(given.key)
    return createPrivateKey(given)
  })
  t.mock.method(crypto, 'hkdfSync', (...given: Parameters<typeof hkdfSync>) => {
    see(given[1])
    return hkdfSync(...given)
  })
  for (const [name, create] of Object.entries({ createCipheriv, createDecipheriv })) {
    t.mock.method(crypto, name as 'createCipheriv', (...given: Parameters<typeof createCipheriv>) => {
      see(given[1])
      return (create as typeof createCipheriv)(...given)
    })
  }
  const { update } = crypto.Decipheriv.prototype
  t.mock.method(
    crypto.Decipheriv.prototype,
    'update',
    function (this: crypto.Decipheriv, ciphertext: Uint8Array) {
      const plaintext = update.call(this, ciphertext as never, undefined, undefined as never)
      see(plaintext)
      return plaintext
    },
  )
  const ofPrivateKeys = Object.getPrototypeOf(crypto.generateKeyPairSync('ed25519').privateKey)
  const real = ofPrivateKeys.export
  t.mock.method(ofPrivateKeys, 'export', function (this: crypto.KeyObject, options: never) {
    const exported = real.call(this, options)
    see(exported)
    return exported
  })
  syncBuiltinESMExports()
  atEnd(t, () => {
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })
  return seen
}

function assertWiped(secrets: readonly Uint8Array[]): void {
  assert.notEqual(secrets.length, 0)
  for (const secret of secrets) assert.ok(secret.length === 0 || secret.every((octet) => octet === 0))
}

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'wiped-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  return folder
}

function storeIn(folder: string, change: Partial<KeyStoreOptions> = {}): KeyStore {
  return new KeyStore({
    ...{ disk: new Disk(), folder: join(folder, 'keys'), rootKey: join(folder, 'ca.key') },
    ...{ passphrase: () => passphrase, randomBytes: seededRandom('wiped'), storeInClear: false },
    ...{ cost: { N: 2 ** 10, r: 8, p: 1 }, ...change },
  })
}

test('a key that was sealed, opened, proven or sealed anew leaves no octet of itself, nor what opens it', async (t) => {
  const keys = storeIn(newFolder(t))
  const secrets = secretsIn(t)
  const stored = await keys.generate(issuing, 'ecdsa-p256')
  assertWiped(secrets.splice(0))
  await keys.open({ ...issuing, ...stored })
  assertWiped(secrets.splice(0))
  await keys.provePassphrase()
  assert.ok(await keys.reseal(keys.pathOf(issuing), new Passphrase(Buffer.from('another horse'))))
  assertWiped(secrets)
})

test('neither does one whose file was changed, nor one that something else keeps from being sealed', async (t) => {
  const folder = newFolder(t)
  const keys = storeIn(folder)
  await keys.generate(issuing, 'ecdsa-p256')
  const [content] = decodePem(
    keys.file({ ...issuing, ...(await keys.ensure(issuing, 'ecdsa-p256')) })!,
    envelopeLabel,
  )
  content![content!.length - 1]! ^= 1
  const secrets = secretsIn(t)
  await assert.rejects(openKey(encodePem(envelopeLabel, content!), passphrase), { code: 'ENVELOPE_INVALID' })
  assertWiped(secrets.splice(0))
  const failing = storeIn(folder, {
    randomBytes: () => {
      throw new Error('no entropy')
    },
  })
  await assert.rejects(failing.generate(bundle, 'ecdsa-p256'), /no entropy/)
  assertWiped(secrets)
})

test('a key that lies in clear is wiped where it was read, also when it is sealed', async (t) => {
  const folder = newFolder(t)
  const inClear = storeIn(folder, { storeInClear: true })
  const stored = await inClear.generate(issuing, 'ecdsa-p256')
  const secrets = secretsIn(t)
  await inClear.open({ ...issuing, ...stored })
  assertWiped(secrets.splice(0))
  assert.ok(await storeIn(folder).seal({ ...issuing, ...stored }))
  assertWiped(secrets)
})

test('a passphrase is nowhere but in what holds it', (t) => {
  const folder = newFolder(t)
  const disk = new Disk()
  const read: Uint8Array[] = []
  t.mock.method(disk, 'readChecked', () => {
    read.push(Buffer.from('correct horse\n'))
    return read.at(-1)
  })
  const place = { disk, stateFile: join(folder, 'passphrase'), state: folder }
  const found = findPassphrase({ ...place, passphraseFile: '/elsewhere', environment: {} })
  assert.ok(found.passphrase.equals(passphrase))
  assertWiped(read)
})
