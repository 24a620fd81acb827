import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { seededRandom } from '@datapunk/testkit'
import fc from 'fast-check'
import { Disk, type OpenFile } from '../disk/disk.ts'
import { AuthorityError } from '../error.ts'
import { Passphrase } from '../keys/passphrase.ts'
import { derivePassphraseKey } from '../keys/passphrase-key.ts'
import { BackupFile, sealBackup } from './backup-file.ts'
import { sealChunks } from './chunks.ts'
import { encodeManifest } from './manifest.ts'
import { cost } from './testing/mesh-in.ts'

const folder = mkdtempSync(join(tmpdir(), 'mtls-backup-'))
after(() => rmSync(folder, { recursive: true }))

const file = join(folder, 'a.backup')
const disk = new Disk()
const passphrase = new Passphrase(Buffer.from('correct horse'))
const header = {
  meshId: 'ab'.repeat(16),
  trustDomain: 'service.datapunk',
  generation: 3,
  madeAt: 1_700_000_000_000,
}
const keys = [
  { slot: 'root-1', file: Buffer.from('the key of the root') },
  { slot: 'issuing-ca-12', file: Buffer.from('another key') },
]
const inventory = Buffer.alloc(2_500_000, 'inventory')

function openBytes(bytes: Uint8Array): OpenFile {
  let at = 0
  const read = (length: number) => {
    at += length
    return bytes.subarray(at - length, at)
  }
  return { size: bytes.length, read, close: () => {} }
}

async function sealed(content: Partial<{ keys: typeof keys; inventory: OpenFile }> = {}): Promise<Buffer> {
  const options = { header, passphrase, randomBytes: seededRandom('backup'), cost }
  const pieces = sealBackup({ keys, inventory: openBytes(inventory), ...content }, options)
  return Buffer.concat(await Array.fromAsync(pieces))
}

async function readBack(bytes: Uint8Array, word = passphrase) {
  writeFileSync(file, bytes)
  const backup = BackupFile.open(file, disk)
  try {
    const content = await backup.unseal(word)
    const found = [...content.keys()].map(({ slot, file }) => `${slot}: ${Buffer.from(file)}`)
    return { header: backup.header, found, inventory: Buffer.concat([...content.inventory()]) }
  } finally {
    backup.close()
  }
}

const whole = await sealed()
const end = whole.indexOf('\n')
const isInvalid = { code: 'BACKUP_INVALID' }

/** The backup with its header changed, everything else as it was. */
function withHeader(change: Record<string, unknown>): Buffer {
  const fields = { ...JSON.parse(whole.subarray(0, end).toString()), ...change }
  return Buffer.concat([Buffer.from(JSON.stringify(fields)), whole.subarray(end)])
}

test('gives back what was put in', async () => {
  const back = await readBack(whole)
  assert.deepEqual(back.found, ['root-1: the key of the root', 'issuing-ca-12: another key'])
  assert.ok(back.inventory.equals(inventory))
  assert.deepEqual({ ...back.header, ...header }, back.header)
})

test('shows without the passphrase what it is of, and nothing that is in it', () => {
  const { salt, check, ...shown } = JSON.parse(whole.subarray(0, end).toString())
  assert.deepEqual(shown, {
    ...{ format: 'datapunk-mtls backup', version: 1, meshId: header.meshId, trustDomain: 'service.datapunk' },
    ...{ generation: 3, madeAt: '2023-11-14T22:13:20.000Z', kdf: 'scrypt', ...cost, cipher: 'aes-256-gcm' },
  })
  for (const secret of ['the key of the root', 'root-1', 'inventory', 'correct horse'])
    assert.ok(!whole.includes(secret), secret)
})

test('a wrong passphrase is told from a damaged file', async () => {
  const wrong = new Passphrase(Buffer.from('wrong horse'))
  await assert.rejects(readBack(whole, wrong), { code: 'PASSPHRASE_WRONG' })
})

for (const [what, bytes] of Object.entries({
  'an empty file': Buffer.alloc(0),
  'a PEM file': Buffer.from('-----BEGIN CERTIFICATE-----\nabc\n'),
  'a first line without end': Buffer.alloc(10_000, '{'),
  'another format': withHeader({ format: 'tar' }),
  'a newer format': withHeader({ version: 2 }),
  'another mesh id in the header': withHeader({ meshId: 'cd'.repeat(16) }),
  'an older time in the header': withHeader({ madeAt: '2020-01-01T00:00:00.000Z' }),
  'no time': withHeader({ madeAt: 'yesterday' }),
  'a lower generation in the header': withHeader({ generation: 1 }),
  'no generation': withHeader({ generation: 0 }),
  'a trust domain with a line end': withHeader({ trustDomain: 'a\nb' }),
  'another salt length': withHeader({ salt: 'ab' }),
  'more memory than allowed': withHeader({ N: 2 ** 24 }),
  'another cipher': withHeader({ cipher: 'none' }),
  'the header alone': whole.subarray(0, end + 1),
  'half of it': whole.subarray(0, whole.length >> 1),
  'all but the last byte': whole.subarray(0, -1),
  'a byte more': Buffer.concat([whole, Buffer.alloc(1)]),
})) {
  test(`${what} is refused`, async () => assert.rejects(readBack(bytes), isInvalid))
}

for (const [what, manifest] of Object.entries({
  'a key of a name that leads elsewhere': { keys: [{ slot: '../../x', size: 1 }], inventory: 1 },
  'one key twice': {
    keys: [
      { slot: 'root-1', size: 1 },
      { slot: 'root-1', size: 1 },
    ],
    inventory: 1,
  },
  'a key that is no key': { keys: [{ slot: 'root-1', size: 10_000_000 }], inventory: 1 },
  'a thousand keys': {
    keys: Array.from({ length: 1000 }, (_, n) => ({ slot: `root-${n + 1}`, size: 1 })),
    inventory: 1,
  },
  'no inventory': { keys: [] },
  'an inventory of a size that is none': { keys: [], inventory: -1 },
  'more than it has': { keys: [], inventory: 10_000 },
  'less than it has': { keys: [], inventory: 1 },
})) {
  test(`one that says it holds ${what} is refused, also by whoever knows the passphrase`, async () => {
    const line = encodeManifest(manifest as never)
    const pieces = await sealedRaw(Buffer.concat([line, Buffer.from('abc')]))
    await assert.rejects(readBack(pieces), isInvalid)
  })
}

/** A backup whose plain bytes are these. */
async function sealedRaw(plain: Uint8Array): Promise<Buffer> {
  const line = whole.subarray(0, end)
  const { salt } = JSON.parse(line.toString())
  const context = 'datapunk-mtls backup v1'
  const { key } = await derivePassphraseKey(passphrase, Buffer.from(salt, 'hex'), cost, context)
  const associated = Buffer.concat([Buffer.from(`${context}\0`), line])
  const chunks = await Array.fromAsync(sealChunks([plain], { key, associated }))
  return Buffer.concat([line, Buffer.from('\n'), ...chunks])
}

test('whatever bytes it is given, the answer is an error of ours', async () => {
  const small = await sealed({ inventory: openBytes(Buffer.from('small')) })
  const changed = fc
    .tuple(fc.nat(small.length - 1), fc.integer({ min: 1, max: 255 }))
    .map(([at, by]) => small.with(at, small[at]! ^ by))
  const anything = fc.oneof(fc.uint8Array({ maxLength: 600 }), changed)
  await fc.assert(
    fc.asyncProperty(anything, async (bytes) => {
      const isOurs = (error: unknown) =>
        error instanceof AuthorityError && /^(BACKUP_INVALID|PASSPHRASE_WRONG)$/.test(error.code)
      await assert.rejects(readBack(bytes), isOurs)
    }),
    { numRuns: 300 },
  )
})

test('a file that is longer than any of ours is not read', () => {
  writeFileSync(file, whole)
  truncateSync(file, 2 ** 40)
  assert.throws(() => BackupFile.open(file, disk), { code: 'DISK_FAILED' })
})
