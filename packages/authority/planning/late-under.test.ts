import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CertificateRow, InstanceRow, ServiceRow } from '../store/rows.ts'
import type { Inventory, InventoryService } from './inventory.ts'
import { lateUnder } from './late-under.ts'

const now = Date.UTC(2026, 5, 1)
const number = { generation: 1, counter: 1 }

function member(changes: Partial<CertificateRow> = {}, { state = 'member', place = 'here' } = {}) {
  const current = { slot: 'issuing-ca-1', log: 'log-1', notAfter: now + 1, ...changes } as CertificateRow
  const row = { id: 'lake', place } as InstanceRow
  const instances = [{ row, current }] as unknown as InventoryService['instances']
  return new Map([['lake', { row: { state } as ServiceRow, instances } as InventoryService]])
}

const nothing = {
  witnesses: { live: [], state: 'complete', known: [], undelivered: [] },
  ...{ services: new Map(), authorityUnder: [], operatorTerms: [] },
} as unknown as Inventory

const alice = { operator: 'operator alice', serial: '07', under: ['issuing-ca-1'], notAfter: now + 1 }
const shown = {
  ...{ instance: 'stream', trustStatement: number, bundle: number, at: now },
  ...{ shown: { slot: 'issuing-ca-1', log: undefined, notAfter: now + 1 }, connections: new Map() },
}

const delivering = { ...nothing.witnesses, undelivered: ['nexus'] }
const showing = { ...nothing.witnesses, live: [shown] }

const cases: readonly (readonly [what: string, found: Partial<Inventory>, late: string[]])[] = [
  ['a pair here', { services: member() }, ['lake has a certificate of it']],
  [
    'a key elsewhere',
    { services: member({}, { place: 'elsewhere' }) },
    ['lake has to ask for a new certificate'],
  ],
  ['what has ended', { services: member({ notAfter: now }) }, []],
  ['what is of another', { services: member({ slot: 'issuing-ca-2' }) }, []],
  ['what is of who has left', { services: member({}, { state: 'removed' }) }, []],
  ['files that nobody was told of', { witnesses: delivering }, ['nexus has not read its files anew']],
  [
    'an operator',
    { operatorTerms: [alice] },
    [`operator alice has 07 of it until ${new Date(now + 1).toISOString()}, or until that is revoked`],
  ],
  ['an operator whose certificate has ended', { operatorTerms: [{ ...alice, notAfter: now }] }, []],
  ['an operator under another', { operatorTerms: [{ ...alice, under: ['issuing-ca-2'] }] }, []],
  [
    'the authority',
    { authorityUnder: ['issuing-ca-1'] },
    ['authority has a certificate of it, for peers on other hosts'],
  ],
  ['who shows what is recorded no more', { witnesses: showing }, ['stream still shows a certificate of it']],
  [
    'who shows it, after those that are known to have it',
    { services: member(), witnesses: showing },
    ['lake has a certificate of it'],
  ],
]

for (const [what, found, expected] of cases) {
  test(`waits for ${what}: ${expected.length > 0 ? 'yes' : 'no'}`, () => {
    const late = (leftOut: readonly string[]) =>
      lateUnder('issuing-ca-1', { ...nothing, ...found }, { now, memory: () => now + 1, leftOut })
    assert.deepEqual(
      late([]).map(({ instance, reason }) => `${instance} ${reason}`),
      expected,
    )
    const named = ['lake', 'nexus', 'operator alice', 'stream']
    assert.deepEqual(
      late(named),
      late([]).filter(({ instance }) => !named.includes(instance)),
    )
  })
}

test('waits for whoever has a certificate in a log that is to go', () => {
  const late = (slot: string) =>
    lateUnder(slot, { ...nothing, services: member() }, { now, memory: () => now, leftOut: [] }).length
  assert.deepEqual([late('log-1'), late('log-2')], [1, 0])
})
