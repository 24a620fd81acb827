import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { logOpener } from './log-opener.ts'
import { ServedLog } from './testing/served-log.ts'

test('a log that runs elsewhere is opened there, and no other made for it', async (t) => {
  const served = await ServedLog.start()
  atEnd(t, () => served.remove())
  const { config, meshId } = served.logMesh.mesh
  const elsewhere = { ...config, authority: { ...config.authority, log: served.url } }
  const open = logOpener(elsewhere, () => served.logMesh.now)
  const wanted = { meshId, generation: 1, fresh: false }
  const log = await open(wanted, (use) => use(served.signer))
  assert.equal(log.origin, served.log.origin)
  const told = { code: 'LOG_ELSEWHERE', message: /mtls log serve --new/ }
  await assert.rejects(
    open({ ...wanted, fresh: true }, (use) => use(served.signer)),
    told,
  )
})
