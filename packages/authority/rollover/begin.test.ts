import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SlotKind, SlotRow, SlotState } from '../store/rows.ts'
import { onlyLeavesOut } from './begin.ts'

const slot = ([kind, state]: readonly [SlotKind, SlotState]) => ({ kind, state }) as SlotRow

test('who is left out of what retires is all that changes, where nothing else is on its way', () => {
  const cases: readonly (readonly [
    slots: (readonly [SlotKind, SlotState])[],
    kind: SlotKind,
    only: boolean,
  ])[] = [
    [[['issuing-ca', 'active']], 'issuing-ca', false],
    [[['issuing-ca', 'retiring']], 'issuing-ca', true],
    [[['issuing-ca', 'retiring']], 'bundle-key', false],
    [
      [
        ['issuing-ca', 'retiring'],
        ['issuing-ca', 'prepared'],
      ],
      'issuing-ca',
      false,
    ],
    // Whoever asks for another root is waited for by what goes over with it.
    [
      [
        ['root', 'retiring'],
        ['issuing-ca', 'prepared'],
      ],
      'root',
      false,
    ],
    [
      [
        ['root', 'retiring'],
        ['bundle-key', 'prepared'],
      ],
      'root',
      true,
    ],
    [[['issuing-ca', 'retiring']], 'root', false],
    [[['log', 'retiring']], 'log', false],
  ]
  for (const [slots, kind, only] of cases) {
    const label = JSON.stringify([slots, kind])
    assert.equal(onlyLeavesOut(slots.map(slot), { kind, without: ['lake'] }), only, label)
    assert.equal(onlyLeavesOut(slots.map(slot), { kind, without: [] }), false, label)
  }
})
