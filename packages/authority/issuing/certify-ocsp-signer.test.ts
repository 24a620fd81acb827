import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { generateKeyPair, parseCertificate, spkiOf } from '@datapunk/pki'
import { atEnd } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import type { SlotState } from '../store/rows.ts'
import { testEngine } from '../testing/test-engine.ts'
import { certifyOcspSigner } from './certify-ocsp-signer.ts'

test('whoever answers for an issuing CA is certified by that, as long as it is in use, and by nothing else', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'ocsp-signer-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const engine = testEngine({ dir, config: { services: { lake: {} } } })
  const { store } = engine
  await apply(engine, { approve: () => false })
  const { publicKey } = await generateKeyPair('ecdsa-p256')
  const certify = (slot: string) => certifyOcspSigner(engine, slot, spkiOf(publicKey))
  const put = (state: SlotState) => {
    const row = store.slots().find(({ id }) => id === 'issuing-ca-1')!
    return store.write((transaction) => transaction.putSlot({ ...row, state }))
  }
  for (const state of ['active', 'retiring'] as const) {
    await put(state)
    const { issuer, extensions } = parseCertificate(await certify('issuing-ca-1'))
    assert.match(String(issuer), /issuing CA 1/)
    assert.equal(extensions.basicConstraints?.ca ?? false, false)
  }
  for (const slot of ['root-1', 'bundle-key-1', 'log-1', 'issuing-ca-2'])
    await assert.rejects(certify(slot), { code: 'REFERENCE_MISSING' }, slot)
  for (const state of ['prepared', 'retired', 'compromised'] as const) {
    await put(state)
    await assert.rejects(certify('issuing-ca-1'), { code: 'REFERENCE_MISSING' }, state)
  }
  assert.equal(store.issuedOf('ocsp-signer').length, 2)
})
