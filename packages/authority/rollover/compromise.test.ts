import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { isBundleCurrent } from '../publishing/publish.ts'
import type { SlotKind } from '../store/rows.ts'
import { testEngine } from '../testing/test-engine.ts'
import { isTrustStatementCurrent } from '../trust/trust.ts'
import { compromise } from './compromise.ts'
import { takeStep } from './roll.ts'

/** Of each kind the first key retires, the second is in use, and the third is prepared. */
const KINDS = ['root', 'issuing-ca', 'bundle-key', 'log'] as const

/** Whatever of a kind was trusted, and of a root what stands under it. */
const lost: Readonly<Record<SlotKind, readonly SlotKind[]>> = {
  root: ['root', 'issuing-ca'],
  'issuing-ca': ['issuing-ca'],
  'bundle-key': ['bundle-key'],
  log: ['log'],
}

for (const kind of KINDS) {
  test(`a stolen key of a ${kind} takes all of its kind out at once, and nothing else`, async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'compromise-'))
    atEnd(t, () => rmSync(dir, { recursive: true }))
    const engine = testEngine({ dir, config: { services: { lake: {} } } })
    const { store } = engine
    await apply(engine, { approve: () => false })
    for (const slotKind of KINDS) {
      await takeStep(engine, { kind: 'prepare', slotKind, reason: 'asked for' })
      await takeStep(engine, { kind: 'activate', slots: [`${slotKind}-2`], reason: 'asked for' })
      await takeStep(engine, { kind: 'prepare', slotKind, reason: 'asked for' })
    }
    const states = (of: SlotKind) => store.slots().flatMap(({ kind, state }) => (kind === of ? [state] : []))
    const before = Object.fromEntries(KINDS.map((one) => [one, states(one)]))
    assert.deepEqual(before['issuing-ca'], ['retiring', 'active', 'prepared'])
    await compromise(engine, kind)
    for (const one of KINDS) {
      const isLost = lost[kind].includes(one)
      assert.deepEqual(
        states(one),
        isLost ? [...before[one]!.map(() => 'compromised'), 'active'] : before[one],
        one,
      )
    }
    assert.deepEqual([isTrustStatementCurrent(store), isBundleCurrent(engine)], [true, true])
  })
}
