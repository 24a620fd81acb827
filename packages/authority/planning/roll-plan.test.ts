import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseConfig } from '@datapunk/protocol'
import { constraintsOf } from '../services/constraints.ts'
import type { SlotKind, SlotRow } from '../store/rows.ts'
import type { Witness } from '../waiting/late.ts'
import type { CaFacts, Inventory } from './inventory.ts'
import { isMute } from './plan.ts'
import { planRoll } from './roll-plan.ts'
import { targetOf } from './roll-step.ts'

const DAY = 24 * 60 * 60 * 1000
const YEAR = 365 * DAY
const now = Date.UTC(2026, 5, 1)

const config = parseConfig(
  JSON.stringify({ services: { lake: {} }, authority: { root: { offline: true } } }),
  { file: '/srv/mtls-config.yaml' },
)

const slot = (id: string, state: SlotRow['state']): SlotRow => ({
  ...{ id, kind: id.replace(/-\d+$/, '') as SlotKind, state, since: now, leftOut: [] },
  ...{ algorithm: 'ecdsa-p256', spkiHash: id, spki: new Uint8Array() },
  certificate: /^(bundle-key|log)/.test(id) ? undefined : new Uint8Array([1]),
})

const ca = (signer: string, notAfter: number): CaFacts => ({
  ...{ signer, notBefore: now, notAfter },
  constraints: signer === 'root-1' || signer === 'root-2' ? constraintsOf(config) : undefined,
  revoked: false,
})

const number = { generation: 1, counter: 1 }
const [seat, own] = ['/srv/certs/ca.key', (id: string) => `/srv/keys/${id}.key`]

const rootEnd = now + 10 * YEAR
const issuingEnd = now + 3 * YEAR
const bundleEnd = now + 7 * DAY

/** A mesh just founded, whose root's key has been taken away. */
const founded: Inventory = {
  mesh: undefined,
  slots: [
    ...[slot('root-1', 'active'), slot('issuing-ca-1', 'active')],
    ...[slot('bundle-key-1', 'active'), slot('log-1', 'active')],
  ],
  log: 'log-1',
  logRoots: new Set(['root-1', 'root-2']),
  issuingConstraints: constraintsOf(config),
  cas: new Map([
    ['root-1', ca('root-1', rootEnd)],
    ['issuing-ca-1', ca('root-1', issuingEnd)],
  ]),
  announced: new Map(),
  trustStatementCurrent: true,
  trustStatementAhead: false,
  trustSigners: [],
  bundleKeyTrusted: true,
  dueLists: [],
  rootKeys: new Map([['root-1', { path: seat, isThere: false }]]),
  rootsVouched: true,
  bundle: {
    ...{ number, trustStatement: number, issuedAt: now, expiresAt: bundleEnd },
  },
  witnesses: { live: [], state: 'complete', known: [], undelivered: [] },
  services: new Map(),
  pinning: 'required',
  pinsLate: undefined,
  authorityUnder: [],
  operatorTerms: [],
  published: true,
}

const there = (...paths: string[]): Inventory['rootKeys'] =>
  new Map(paths.map((path, index) => [`root-${index + 1}`, { path, isThere: true }]))

const asked = (inventory: Inventory, at = now) =>
  planRoll(config, inventory, at).asks.map(({ step, keys, until }) => ({
    what: step.kind === 'prepare' ? step.slotKind : step.kind,
    keys: keys.map(({ slot, path }) => `${slot} at ${path}`),
    until,
  }))

describe('a root whose key is away', () => {
  test('is asked for nothing while there is nothing to sign', () => {
    assert.deepEqual(planRoll(config, founded, now), { step: undefined, waits: [], asks: [], takeAway: [] })
  })

  test('is asked to sign the next issuing CA by the end of the one in use', () => {
    const due = now + 2 * YEAR
    assert.deepEqual(asked(founded, due)[0], {
      ...{ what: 'issuing-ca', keys: [`root-1 at ${seat}`], until: issuingEnd },
    })
    const { step, asks } = planRoll(config, { ...founded, rootKeys: there(seat) }, due)
    assert.deepEqual([step?.kind, step && targetOf(step), asks], ['prepare', 'issuing-ca', []])
  })

  test('is asked to sign the next root by its own end, and whatever else is due', () => {
    const due = now + 7 * YEAR
    assert.deepEqual(
      asked(founded, due).map(({ what, until }) => [what, until]),
      [
        ['root', rootEnd],
        ['issuing-ca', issuingEnd],
      ],
    )
  })

  test('is asked without a time where nothing ends meanwhile', () => {
    assert.deepEqual(asked({ ...founded, issuingConstraints: 'others' }), [
      { what: 'issuing-ca', keys: [`root-1 at ${seat}`], until: undefined },
    ])
    const dropping = {
      ...founded,
      trustStatementCurrent: false,
      trustStatementAhead: false,
      trustSigners: ['root-1'],
    }
    assert.deepEqual(asked(dropping), [
      { what: 'publish-trust-statement', keys: [`root-1 at ${seat}`], until: undefined },
    ])
  })

  test('holds up no step that needs none', () => {
    const aYearOn = now + 2 * YEAR
    const { step, asks } = planRoll(config, founded, aYearOn)
    assert.deepEqual([step && targetOf(step), asks.length], ['bundle-key', 1])
    const announced = new Map([['issuing-ca-2', { number, issuedAt: now }]])
    const cas = new Map([...founded.cas, ['issuing-ca-2', ca('root-1', issuingEnd + YEAR)]])
    const coming = {
      ...{ ...founded, announced, cas, slots: [...founded.slots, slot('issuing-ca-2', 'prepared')] },
      ...{ trustStatementCurrent: false, trustStatementAhead: false, trustSigners: ['root-1'] },
    }
    const next = planRoll(config, coming, now)
    assert.deepEqual(next.step && targetOf(next.step), ['issuing-ca-2'])
    assert.deepEqual(
      next.asks.map(({ step, until }) => [step.kind, until]),
      [['publish-trust-statement', undefined]],
    )
  })
})

describe('two roots', () => {
  const cas = new Map([...founded.cas, ['root-2', ca('root-2', rootEnd + YEAR)]])
  const prepared = { ...founded, cas, slots: [...founded.slots, slot('root-2', 'prepared')] }
  const keysOf = (one: boolean, two: boolean): Inventory['rootKeys'] =>
    new Map([
      ['root-1', { path: seat, isThere: one }],
      ['root-2', { path: own('root-2'), isThere: two }],
    ])

  test('the issuing CA under the next one needs that one’s key, and no other', () => {
    assert.deepEqual(asked({ ...prepared, rootKeys: keysOf(true, false) }), [
      { what: 'issuing-ca', keys: [`root-2 at ${own('root-2')}`], until: issuingEnd },
    ])
    assert.deepEqual(asked({ ...prepared, rootKeys: keysOf(false, true) }), [])
  })

  test('a trust statement needs every one that signs it', () => {
    const withCa = {
      ...{ ...prepared, cas: new Map([...cas, ['issuing-ca-2', ca('root-2', rootEnd)]]) },
      ...{ slots: [...prepared.slots, slot('issuing-ca-2', 'prepared')] },
      ...{ trustStatementCurrent: false, trustStatementAhead: false, trustSigners: ['root-1', 'root-2'] },
    }
    assert.deepEqual(asked({ ...withCa, rootKeys: keysOf(false, false) }), [
      {
        ...{ what: 'publish-trust-statement', until: issuingEnd },
        keys: [`root-1 at ${seat}`, `root-2 at ${own('root-2')}`],
      },
    ])
    assert.equal(asked({ ...withCa, rootKeys: keysOf(false, true) })[0]?.keys.length, 1)
    const announced = new Map([['issuing-ca-2', { number, issuedAt: now }]])
    assert.equal(asked({ ...withCa, announced, rootKeys: keysOf(false, true) })[0]?.until, rootEnd)
    const { step, asks } = planRoll(config, { ...withCa, rootKeys: keysOf(true, true) }, now)
    assert.deepEqual([step?.kind, asks], ['publish-trust-statement', []])
  })
})

describe('the next step', () => {
  const here: Inventory = { ...founded, rootKeys: new Map() }
  const stream = (bundle: typeof number, trustStatement = bundle): Witness => ({
    ...{ instance: 'stream', trustStatement, bundle, at: now, shown: undefined, connections: new Map() },
  })
  const withLive = (inventory: Inventory, ...live: Witness[]): Inventory => ({
    ...inventory,
    witnesses: { ...founded.witnesses, live },
  })
  const next = (inventory: Inventory, of = config) => {
    const { step, waits } = planRoll(of, inventory, now)
    const waiting = waits.map(({ stage, slot, late }) => [stage, slot, late.map(({ instance }) => instance)])
    return [step?.kind, step && targetOf(step), waiting]
  }
  const later = { generation: 1, counter: 2 }
  const under = (root: string) => ca(root, issuingEnd + YEAR)
  /** An issuing CA that everybody was told of. */
  const told: Inventory = {
    ...{ ...here, slots: [...founded.slots, slot('issuing-ca-2', 'prepared')] },
    cas: new Map([...founded.cas, ['issuing-ca-2', under('root-1')]]),
    announced: new Map([['issuing-ca-2', { number, issuedAt: now }]]),
  }

  test('certifies what a crash has left without a certificate', () => {
    const uncertified = { ...slot('root-2', 'prepared'), certificate: undefined }
    const slots = [...founded.slots, uncertified]
    assert.deepEqual(next({ ...here, slots }), ['prepare', 'root', []])
  })

  test('certifies anew what may sign for other names than are asked for, unless somebody knows it', () => {
    const cas = new Map([
      ...founded.cas,
      ['issuing-ca-2', { ...under('root-1'), constraints: 'others' }] as const,
    ])
    assert.deepEqual(next({ ...told, cas, announced: new Map() }), ['prepare', 'issuing-ca', []])
    assert.deepEqual(next({ ...told, cas }), ['activate', ['issuing-ca-2'], []])
  })

  test('is another log where certificates go to one that peers do not know', () => {
    const elsewhere = { ...here, log: 'log-2' }
    assert.deepEqual(next(elsewhere), ['prepare', 'log', []])
    const off = parseConfig(JSON.stringify({ services: { lake: {} }, transparency: 'off' }), {
      file: '/srv/mtls-config.yaml',
    })
    assert.deepEqual(next(elsewhere, off), [undefined, undefined, []])
  })

  test('brings into use what everybody knows, by a bundle that names it', () => {
    assert.deepEqual(next(withLive(told, stream(number))), ['activate', ['issuing-ca-2'], []])
    const unnamed = { ...told, announced: new Map([['issuing-ca-2', { number: later, issuedAt: now }]]) }
    assert.deepEqual(next(unnamed), [undefined, undefined, [['distribute', 'issuing-ca-2', []]]])
    const known = { ...unnamed, bundle: { ...founded.bundle!, trustStatement: later } }
    const late = [['distribute', 'issuing-ca-2', ['stream']]]
    assert.deepEqual(next(withLive(known, stream(number))), [undefined, undefined, late])
    // Where nothing can sign any more nobody is waited for.
    const cas = new Map([...known.cas, ['issuing-ca-1', ca('root-1', now)]] as const)
    assert.deepEqual(next(withLive({ ...known, cas }, stream(number))), ['activate', ['issuing-ca-2'], []])
  })

  test('waits for a log that takes nothing under the next root yet', () => {
    const slots = [...told.slots, slot('root-2', 'prepared')]
    const cas = new Map([
      ...told.cas,
      ['issuing-ca-2', under('root-2')],
      ['root-2', ca('root-2', rootEnd)],
    ] as const)
    const inventory = { ...told, slots, cas }
    assert.deepEqual(next(inventory), ['activate', ['root-2', 'issuing-ca-2'], []])
    const logRoots = new Set(['root-1'])
    assert.deepEqual(next({ ...inventory, logRoots }), [
      ...[undefined, undefined],
      [['distribute', 'root-2', ['the log']]],
    ])
  })

  test('drops a root whose issuing CAs have gone', () => {
    const slots = [
      ...[slot('root-1', 'retiring'), slot('root-2', 'active'), slot('issuing-ca-1', 'retired')],
      ...[slot('issuing-ca-2', 'active'), ...founded.slots.slice(2)],
    ]
    const cas = new Map([
      ...founded.cas,
      ['issuing-ca-2', under('root-2')],
      ['root-2', ca('root-2', rootEnd)],
    ] as const)
    assert.deepEqual(next({ ...here, slots, cas }), ['retire', ['root-1'], []])
    const used = slots.map((one) => (one.id === 'issuing-ca-1' ? slot(one.id, 'active') : one))
    assert.deepEqual(next({ ...here, slots: used, cas }), [undefined, undefined, []])
  })

  test('drops a bundle key once everybody was told to let go of it', () => {
    const before = { ...slot('bundle-key-0', 'retiring'), toldIn: { ...later, at: now } }
    const inventory = { ...here, slots: [...founded.slots, before] }
    const waits = [['drain', 'bundle-key-0', ['stream']]]
    assert.deepEqual(next(withLive(inventory, stream(number))), [undefined, undefined, waits])
    assert.deepEqual(next(withLive(inventory, stream(later))), ['retire', ['bundle-key-0'], []])
    const untold = { ...inventory, slots: [...founded.slots, slot('bundle-key-0', 'retiring')] }
    assert.deepEqual(next(untold), [undefined, undefined, [['drain', 'bundle-key-0', []]]])
  })

  test('drops a log that has lived long enough once no member has a certificate in it', () => {
    const before = { ...slot('log-0', 'retiring'), since: now - 2 * YEAR }
    const goes = (state: string, notAfter: number) => {
      const instances = [{ row: { id: 'lake' }, current: { log: 'log-0', notAfter } }]
      const services = new Map([['lake', { row: { state }, instances }]])
      const slots = [...founded.slots, before]
      return next({ ...here, slots, services: services as unknown as Inventory['services'] })[1]
    }
    assert.equal(goes('member', now + 1), undefined)
    assert.deepEqual(goes('member', now), ['log-0'])
    assert.deepEqual(goes('removed', now + 1), ['log-0'])
  })

  test('signs the lists of issuing CAs though that of a root has to wait for its key', () => {
    const due = (slot: string, kind: 'root' | 'issuing-ca') => ({
      ...{ slot, kind, scopes: [], reason: 'due', until: now },
    })
    const dueLists = [due('root-1', 'root'), due('issuing-ca-1', 'issuing-ca')]
    const { step, asks } = planRoll(config, { ...founded, dueLists }, now)
    assert.deepEqual([step?.kind, step && targetOf(step)], ['publish-lists', ['issuing-ca-1']])
    assert.deepEqual(
      asks.map((one) => targetOf(one.step)),
      [['root-1']],
    )
  })
})

describe('a key that lies there', () => {
  test('is to be taken away once no step needs it', () => {
    const isThere = { ...founded, rootKeys: there(seat) }
    assert.deepEqual(planRoll(config, isThere, now).takeAway, [{ slot: 'root-1', path: seat }])
    assert.deepEqual(planRoll(config, isThere, now + 2 * YEAR).takeAway, [])
  })

  test('may stay where the config does not say that it is away', () => {
    const plan = planRoll(config, { ...founded, rootKeys: new Map() }, now)
    assert.deepEqual([plan.takeAway, plan.asks], [[], []])
  })
})

test('a bundle key that peers do not know yet is told before anything else, by the end of the bundle', () => {
  const restored = {
    ...{ ...founded, trustStatementCurrent: false, trustStatementAhead: false, bundleKeyTrusted: false },
    trustSigners: ['root-1'],
  }
  const due = now + 2 * YEAR
  assert.deepEqual(asked(restored, due)[0], {
    ...{ what: 'publish-trust-statement', keys: [`root-1 at ${seat}`], until: bundleEnd },
  })
  assert.ok(isMute(restored, planRoll(config, restored, due).asks))
  const { step, asks } = planRoll(config, { ...restored, rootKeys: there(seat) }, due)
  assert.equal(step?.kind, 'publish-trust-statement')
  assert.equal(isMute(restored, asks), false)
})

describe('one of many logs', () => {
  const logs = [1, 2, 3, 4].map((n): SlotRow => ({ ...slot(`log-${n}`, 'retiring'), since: now - DAY + n }))
  const many = { ...founded, slots: [...founded.slots.slice(0, -1), ...logs, slot('log-5', 'active')] }
  const stream: Witness = {
    ...{ instance: 'stream', trustStatement: number, bundle: number, at: now },
    shown: { slot: 'issuing-ca-1', log: 'log-1', notAfter: now + DAY },
    connections: new Map(),
  }
  const goneBy = (inventory: Inventory, at: number) => {
    const { step } = planRoll(config, inventory, at)
    return step && targetOf(step)
  }

  test('goes as soon as nothing in use is in it; of few each stays until all that it holds has ended', () => {
    assert.deepEqual(goneBy(many, now), ['log-1'])
    const few = { ...many, slots: many.slots.filter(({ id }) => id !== 'log-2') }
    assert.equal(planRoll(config, few, now).step, undefined)
    assert.deepEqual(goneBy(few, now + YEAR - DAY / 2), ['log-1', 'log-3', 'log-4'])
  })

  test('waits for whoever shows a certificate in it', () => {
    const { step, waits } = planRoll(
      config,
      { ...many, witnesses: { ...many.witnesses, live: [stream] } },
      now,
    )
    assert.deepEqual([step, waits.map(({ slot }) => slot)], [undefined, ['log-1']])
    assert.deepEqual(waits[0]?.late, [{ instance: 'stream', reason: 'still shows a certificate of it' }])
  })
})
