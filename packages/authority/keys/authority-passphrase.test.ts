import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { layoutOf } from '@datapunk/protocol'
import { seededRandom } from '@datapunk/testkit'
import { recordMesh } from '../state/found-mesh.ts'
import { openEngine } from '../state/open-engine.ts'
import {
  clock,
  configIn,
  isCode,
  logs,
  no,
  openAuthority,
  temporaryFolder,
} from '../testing/test-authority.ts'
import { takeLog } from '../transparency/transparency.ts'

describe('an authority with a passphrase', () => {
  test('seals its keys with a passphrase it made, says that they are unprotected, and opens them again', async () => {
    const config = configIn(temporaryFolder(), { lake: {} }, {})
    const first = await openAuthority(config)
    await first.apply(no)
    assert.equal((await first.status()).keysUnprotected, true)
    await first.close()
    const { passphrase } = layoutOf(config).authority
    assert.equal(statSync(passphrase).mode & 0o777, 0o600)
    assert.match(readFileSync(config.paths.caKey, 'utf8'), /DATAPUNK ENCRYPTED KEY/)
    const second = await openAuthority(config)
    await second.issue('lake')
    await second.close()
    rmSync(passphrase)
    const third = await openAuthority(config)
    await assert.rejects(() => third.issue('lake'), isCode('PASSPHRASE_MISSING'))
    await third.close()
  })

  test('takes the passphrase from the environment, and out of it', async () => {
    const config = configIn(temporaryFolder(), { lake: {} }, {})
    const environment = { MTLS_CA_PASSPHRASE: 'correct horse' }
    const first = await openAuthority(config, environment)
    assert.deepEqual(environment, {})
    await first.apply(no)
    assert.equal((await first.status()).keysUnprotected, false)
    await first.close()
    const second = await openAuthority(config, { MTLS_CA_PASSPHRASE: 'battery staple' })
    await assert.rejects(() => second.issue('lake'), {
      code: 'PASSPHRASE_WRONG',
      message: /came from \$MTLS_CA_PASSPHRASE, which is read at the start only: .* start `mtls up`.* again$/,
    })
    await second.close()
  })

  test('makes a passphrase also where a first apply was killed before it had made one', async () => {
    const config = configIn(temporaryFolder(), { lake: {} }, {})
    const randomBytes = seededRandom('killed')
    const { engine, lock } = await openEngine({
      ...{
        config,
        clock: () => clock.now(),
        randomBytes,
        environment: {},
        pid: process.pid,
        purpose: 'test',
      },
      openLog: logs.opener(() => clock.now()),
    })
    await recordMesh(engine)
    await takeLog(engine)
    engine.store.close()
    lock.release()
    const next = await openAuthority(config)
    assert.deepEqual((await next.apply(no)).failed, [])
    await next.close()
    assert.ok(existsSync(layoutOf(config).authority.passphrase))
  })

  test('takes a passphrase that was corrected without a restart', async () => {
    const dir = temporaryFolder()
    const [right, wrong] = [join(dir, 'right'), join(dir, 'wrong')]
    writeFileSync(right, 'correct horse', { mode: 0o600 })
    writeFileSync(wrong, 'corect horse', { mode: 0o600 })
    const short = join(dir, 'short')
    writeFileSync(short, 'horse', { mode: 0o600 })
    const given = (passphrase_file: string) => configIn(dir, { lake: {} }, { passphrase_file })
    const first = await openAuthority(given(short))
    await assert.rejects(() => first.apply(no), isCode('PASSPHRASE_SHORT'))
    first.configure(given(right))
    await first.apply(no)
    await first.close()

    const second = await openAuthority(given(wrong))
    await assert.rejects(() => second.issue('lake'), isCode('PASSPHRASE_WRONG'))
    second.configure(given(right))
    await second.issue('lake')
    await second.close()

    const third = await openAuthority(given(wrong))
    const backup = () => third.backup({ file: join(dir, 'backup') })
    await assert.rejects(backup, isCode('PASSPHRASE_WRONG'))
    writeFileSync(wrong, 'correct horse')
    await backup()
    await third.close()
  })

  test('says that a passphrase in the state folder protects nothing, wherever in it', async () => {
    const dir = temporaryFolder()
    for (const [place, isUnprotected] of [
      ['certs/.mtls/word', true],
      ['word', false],
    ] as const) {
      mkdirSync(dirname(join(dir, place)), { recursive: true })
      writeFileSync(join(dir, place), 'correct horse', { mode: 0o600 })
      const authority = await openAuthority(configIn(dir, { lake: {} }, { passphrase_file: place }))
      await authority.apply(no)
      assert.equal((await authority.status()).keysUnprotected, isUnprotected)
      await authority.close()
    }
  })
})
