import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import { atEnd, seededRandom } from '@datapunk/testkit'
import { Disk } from '../disk/disk.ts'
import { findPassphrase, KeptPassphrase, Passphrase, type PassphraseOptions } from './passphrase.ts'

function newOptions(t: TestContext): PassphraseOptions & { folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'passphrase-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  const state = join(folder, '.mtls')
  mkdirSync(join(state, 'authority'), { recursive: true })
  return {
    folder,
    disk: new Disk(),
    passphraseFile: undefined,
    environment: {},
    stateFile: join(state, 'authority', 'passphrase'),
    state,
  }
}

function newFile(path: string, text: string, mode = 0o600): string {
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

const text = (passphrase: Passphrase) => Buffer.from(passphrase.bytes()).toString()

test('a passphrase shows itself to nobody', () => {
  const passphrase = new Passphrase(Buffer.from('correct horse'))
  const shown = [String(passphrase), inspect({ passphrase }), JSON.stringify({ passphrase }), `${passphrase}`]
  for (const one of shown) assert.doesNotMatch(one, /horse/)
})

test('line ends after the last character are no part of it', () => {
  for (const written of ['a b', 'a b\n', 'a b\r\n', 'a b\n\n']) {
    assert.equal(text(new Passphrase(Buffer.from(written))), 'a b')
  }
  assert.equal(text(new Passphrase(Buffer.from(' \na\n'))), ' \na')
  assert.ok(new Passphrase(Buffer.from('\n')).isEmpty)
})

test('it comes from the file the config names', (t) => {
  const options = newOptions(t)
  const passphraseFile = newFile(join(options.folder, 'secret'), 'from file\n', 0o400)
  const { passphrase, source, unprotected } = findPassphrase({ ...options, passphraseFile })
  assert.deepEqual([text(passphrase), source, unprotected], ['from file', 'file', false])
})

test('it comes from a systemd credential', (t) => {
  const options = newOptions(t)
  newFile(join(options.folder, 'mtls-ca-passphrase'), 'from systemd', 0o400)
  const environment = { CREDENTIALS_DIRECTORY: options.folder }
  const { passphrase, source, unprotected } = findPassphrase({ ...options, environment })
  assert.deepEqual([text(passphrase), source, unprotected], ['from systemd', 'credential', false])
})

test('it comes from the environment, and is gone from there afterwards', (t) => {
  const environment: Record<string, string | undefined> = { MTLS_CA_PASSPHRASE: 'from env', PATH: '/bin' }
  const { passphrase, source, unprotected } = findPassphrase({ ...newOptions(t), environment })
  assert.deepEqual([text(passphrase), source, unprotected], ['from env', 'environment', false])
  assert.deepEqual(environment, { PATH: '/bin' })
})

test('what was found is kept until it has opened nothing; then what is given by then is read', (t) => {
  const { folder, create: _, ...options } = newOptions(t)
  const [first, second] = ['first', 'second'].map((name) => newFile(join(folder, name), name))
  const kept = new KeptPassphrase({ ...options, passphraseFile: first })
  const found = () => text(kept.find().passphrase)
  assert.equal(found(), 'first')
  newFile(first!, 'changed')
  kept.lookIn(second)
  assert.equal(found(), 'first')
  kept.forget()
  assert.equal(found(), 'second')
})

test('one from the environment stays, for it is read once, and several are refused again', (t) => {
  const { folder, create: _, ...options } = newOptions(t)
  const environment: Record<string, string | undefined> = { MTLS_CA_PASSPHRASE: 'from env' }
  const kept = new KeptPassphrase({ ...options, environment })
  assert.deepEqual(environment, {})
  for (const _ of ['once', 'and again']) {
    assert.equal(text(kept.find().passphrase), 'from env')
    kept.forget()
  }
  kept.lookIn(newFile(join(folder, 'secret'), 'a'))
  for (const _ of ['once', 'and again']) assert.throws(() => kept.find(), { code: 'PASSPHRASE_AMBIGUOUS' })
})

test('several at once are refused, and it is gone from the environment all the same', (t) => {
  const options = newOptions(t)
  const passphraseFile = newFile(join(options.folder, 'secret'), 'a')
  const environment: Record<string, string | undefined> = { MTLS_CA_PASSPHRASE: 'a' }
  assert.throws(() => findPassphrase({ ...options, passphraseFile, environment }), {
    code: 'PASSPHRASE_AMBIGUOUS',
    message: /authority\.passphrase_file \(.*secret\) and \$MTLS_CA_PASSPHRASE. Leave one of them/,
  })
  assert.deepEqual(environment, {})
})

test('a systemd service without this credential has none', (t) => {
  const options = newOptions(t)
  const environment = { CREDENTIALS_DIRECTORY: options.folder, MTLS_CA_PASSPHRASE: 'from env' }
  assert.equal(findPassphrase({ ...options, environment }).source, 'environment')
})

test('where none is given, the first apply makes a random one beside the keys: unprotected', (t) => {
  const options = newOptions(t)
  const create = seededRandom('passphrase')
  const first = findPassphrase({ ...options, create })
  assert.deepEqual([first.source, first.unprotected], ['state', true])
  assert.match(readFileSync(options.stateFile, 'utf8'), /^[\w-]{43}\n$/)
  assert.equal(statSync(options.stateFile).mode & 0o777, 0o600)
  const second = findPassphrase(options)
  assert.ok(second.passphrase.equals(first.passphrase))
  assert.deepEqual([second.source, second.unprotected], ['state', true])
})

test('it stays unprotected as long as the same passphrase lies beside the keys', (t) => {
  const options = newOptions(t)
  findPassphrase({ ...options, create: seededRandom('passphrase') })
  const passphraseFile = newFile(join(options.folder, 'secret'), readFileSync(options.stateFile, 'utf8'))
  assert.equal(findPassphrase({ ...options, passphraseFile }).unprotected, true)
  rmSync(options.stateFile)
  assert.equal(findPassphrase({ ...options, passphraseFile }).unprotected, false)
})

test('a passphrase file within the state folder protects nothing', (t) => {
  const options = newOptions(t)
  const passphraseFile = newFile(join(options.state, 'secret'), 'a')
  assert.equal(findPassphrase({ ...options, passphraseFile }).unprotected, true)
})

test('without any, and where none may be made, the message names every way to give one', (t) => {
  assert.throws(() => findPassphrase(newOptions(t)), {
    code: 'PASSPHRASE_MISSING',
    message: /authority\.passphrase_file.*mtls-ca-passphrase.*\$MTLS_CA_PASSPHRASE.*put .*passphrase back/,
  })
})

test('a file that is missing or empty, and an empty variable, are refused: never a silent fallback', (t) => {
  const options = newOptions(t)
  const create = seededRandom('passphrase')
  const missing = join(options.folder, 'secret')
  assert.throws(() => findPassphrase({ ...options, create, passphraseFile: missing }), {
    code: 'PASSPHRASE_MISSING',
  })
  newFile(missing, '\n')
  assert.throws(() => findPassphrase({ ...options, create, passphraseFile: missing }), {
    code: 'PASSPHRASE_MISSING',
  })
  const environment = { MTLS_CA_PASSPHRASE: '' }
  assert.throws(() => findPassphrase({ ...options, create, environment }), { code: 'PASSPHRASE_MISSING' })
})

test('a file that others may read is refused with the chmod', (t) => {
  const options = newOptions(t)
  for (const mode of [0o640, 0o604, 0o644, 0o620]) {
    const passphraseFile = newFile(join(options.folder, 'secret'), 'a', mode)
    assert.throws(() => findPassphrase({ ...options, passphraseFile }), {
      code: 'PERMISSIONS',
      message: new RegExp(`chmod 0600 ${passphraseFile}$`),
    })
  }
})
