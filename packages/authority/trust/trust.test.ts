import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseCertificate } from '@datapunk/pki'
import { atEnd } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { takeStep } from '../rollover/roll.ts'
import type { Reader } from '../store/contract.ts'
import type { SlotRow } from '../store/rows.ts'
import { testEngine } from '../testing/test-engine.ts'
import { isSignerTrusted, isTrustStatementCurrent } from './trust.ts'
import { hasVouched, rootsHaveVouched } from './vouching.ts'

async function applied(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'trust-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const engine = testEngine({ dir, config: { services: { lake: {} } } })
  await apply(engine, { approve: () => false })
  return engine
}

test('a trust statement is not current where one slot of any kind is another, or one more or less', async (t) => {
  const { store } = await applied(t)
  const slots = store.slots()
  const isCurrent = (found: readonly SlotRow[]) =>
    isTrustStatementCurrent({ slots: () => found, trustStatements: () => store.trustStatements() } as Reader)
  assert.ok(isCurrent(slots))
  const other = slots.find(({ kind }) => kind === 'bundle-key')!.spki
  for (const slot of slots) {
    const { id } = slot
    const changed = (changes: Partial<SlotRow>) =>
      slots.map((one) => (one.id === id ? { ...one, ...changes } : one))
    for (const state of ['prepared', 'retiring'] as const) assert.ok(isCurrent(changed({ state })), id)
    for (const state of ['retired', 'compromised'] as const)
      assert.equal(isCurrent(changed({ state })), false, id)
    assert.equal(isCurrent([...slots, { ...slot, id: 'another' }]), false, id)
    if (slot.kind === 'log') assert.equal(isCurrent(changed({ spki: other })), false, id)
  }
})

test('a signer is trusted by its certificate, and by its key where it has none', async (t) => {
  const { store } = await applied(t)
  const isTrusted = (changes: (slot: SlotRow) => Partial<SlotRow>) =>
    isSignerTrusted({
      slots: () => store.slots().map((slot) => ({ ...slot, ...changes(slot) })),
      trustStatements: () => store.trustStatements(),
    } as unknown as Reader)
  const root = store.slots().find(({ kind }) => kind === 'root')!
  assert.ok(isTrusted(() => ({})))
  assert.equal(
    isTrusted(({ kind }) => (kind === 'issuing-ca' ? { certificate: root.certificate } : {})),
    false,
  )
  assert.equal(
    isTrusted(({ kind }) => (kind === 'bundle-key' ? { spki: root.spki } : {})),
    false,
  )
})

test('two roots have vouched for each other once each has signed the key of the other', async (t) => {
  const engine = await applied(t)
  const { store } = engine
  assert.ok(rootsHaveVouched(store))
  await takeStep(engine, { kind: 'prepare', slotKind: 'root', reason: 'asked for' })
  assert.ok(rootsHaveVouched(store))
  const certificate = (of: string) =>
    parseCertificate(store.slots().find(({ id }) => id === of)!.certificate!)
  assert.ok(hasVouched(store, 'root-1', certificate('root-2')))
  assert.equal(hasVouched(store, 'root-1', certificate('root-1')), false)
  for (const silent of ['root-1', 'root-2']) {
    const issuedOf: Reader['issuedOf'] = (profile) =>
      store.issuedOf(profile).filter(({ slot }) => slot !== silent)
    assert.equal(rootsHaveVouched({ slots: () => store.slots(), issuedOf }), false, silent)
  }
})
