import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { certificateOf } from '../engine/slots.ts'
import { testEngine } from '../testing/test-engine.ts'

test('an issuing CA that is to say nothing of URIs is another one, which leaves say nothing of', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'constraints-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const services = { lake: {} }
  const engine = testEngine({ dir, config: { services } })
  engine.peers.opened()
  await apply(engine, { approve: () => false })
  const authority = { store_ca_keys_in_clear: true, issuing: { constrain_uris: false } }
  const { config } = testEngine({ dir, config: { services, authority } })
  await apply({ ...engine, config }, { approve: () => false })
  const forms = ['issuing-ca-1', 'issuing-ca-2'].map((id) => {
    const slot = engine.store.slots().find((one) => one.id === id)!
    return certificateOf(slot).extensions.nameConstraints?.permitted.map(({ form }) => form)
  })
  assert.deepEqual(forms, [['dns', 'uri'], ['dns']])
  assert.equal(engine.store.currentCertificates()[0]?.slot, 'issuing-ca-2')
})
