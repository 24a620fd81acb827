import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { WhyDocument } from '../documents/why.ts'
import { run } from '../run.ts'
import { asNobody } from '../testing/as-nobody.ts'
import { WatchedWorld } from '../testing/watched-world.ts'

const configText = `trust_domain: service.datapunk
services:
  api: { allow: [worker] }
  worker: {}
certificates: { key_algorithm: ecdsa-p256 }
authority: { store_ca_keys_in_clear: true, http: none, metrics: none, console: none }
`

describe('why', () => {
  let folder: string

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'why-'))
    writeFileSync(join(folder, 'mtls.yaml'), configText)
    assert.equal((await mtls(['apply'])).code, 0)
    chmodSync(folder, 0o755)
  })
  after(() => rmSync(folder, { recursive: true }))

  const mtls = async (args: readonly string[]) => {
    const watched = new WatchedWorld()
    const code = await run([...args, '--config', join(folder, 'mtls.yaml')], watched.world)
    return { code, shown: watched.shown, printed: watched.printed }
  }

  describe('a user who may read neither the records nor the pairs', () => {
    const instance = () => join(folder, 'certs/.mtls/instances')

    before(() => {
      // Whoever is not root owns them here, and is held back all the same.
      for (const name of ['api', 'worker']) chmodSync(join(instance(), name), 0o000)
      chmodSync(join(folder, 'certs/.mtls/authority'), 0o000)
    })
    after(() => {
      for (const name of ['api', 'worker']) chmodSync(join(instance(), name), 0o700)
      chmodSync(join(folder, 'certs/.mtls/authority'), 0o700)
    })

    test('is told what the bundle says, and what is left open; neither yes nor no', async () => {
      const { code, shown } = await asNobody(() => mtls(['why', 'worker', 'api']))
      assert.equal(code, 1)
      assert.doesNotMatch(shown, /NO by|yes by|NO_CERTIFICATE/)
      assert.match(shown, /api shows a certificate that this user may not read/)
      assert.match(shown, /does api let worker in\? not refused by bundle 1\.2 as far as this user may look/)
      assert.match(shown, /- {7}- {5}pinned .*api\.crt can’t be read by this user, so this is not judged/)
      assert.match(shown, /✓ {7}✓ {5}allowed {9}worker is among those who may call api/)
      assert.match(shown, /root, and the user that runs `mtls up`, may read them all/)
    })

    test('as JSON', async () => {
      const { printed } = await asNobody(() => mtls(['why', 'worker', 'api', '--json']))
      const document: WhyDocument = JSON.parse(printed)
      assert.deepEqual(document.accepted, { byBundle: false, byFile: false })
      assert.match(document.unread.callee ?? '', /api\.crt can’t be read by this user/)
      const { accepted, code, judged } = document.gates[0]!.byBundle
      assert.deepEqual([accepted, code, judged], [false, null, false])
    })

    test('is told NO where the bundle says so', async () => {
      const { code, shown } = await asNobody(() => mtls(['why', 'api', 'worker']))
      assert.equal(code, 1)
      assert.match(shown, /does worker let api in\? not refused/)
      const itself = await asNobody(() => mtls(['why', 'api', 'api']))
      assert.match(itself.shown, /NO by bundle 1\.2 \[CALLER_NOT_ALLOWED\]/)
    })
  })

  test('a certificate of somebody else is not answered for as the caller’s', async () => {
    const file = join(folder, 'certs/api.crt')
    const { code, shown } = await mtls(['why', 'worker', 'api', '--certificate', file])
    assert.equal(code, 2)
    assert.match(
      shown,
      /found the certificate of spiffe:\/\/service\.datapunk\/api in .*; allowed: one of the caller, spiffe:\/\/service\.datapunk\/worker, or `mtls why api api` for this one \[USAGE\]/,
    )
    const own = ['why', 'worker', 'api', '--certificate', join(folder, 'certs/worker.crt')]
    assert.equal((await mtls(own)).code, 0)
  })
})
