import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Config, parseConfig } from '@datapunk/protocol'
import fc from 'fast-check'
import { constraintsOf } from '../services/constraints.ts'
import {
  type CertificateRequest,
  certificateRequestOf,
  encodeRequest,
  encodeSettings,
  settingsOf,
} from '../services/settings.ts'
import type { CertificateRow, SlotKind, SlotState } from '../store/rows.ts'
import type { Inventory, InventoryInstance, InventoryService } from './inventory.ts'
import { type Action, plan, renewalDue } from './plan.ts'

const DAY = 24 * 60 * 60 * 1000
const now = Date.UTC(2026, 5, 1)

const base = {
  certificates: { validity_days: 100, organization: 'Datapunk', country: 'US' },
  services: {
    lake: { common_name: 'lake.service.datapunk' },
    stream: { allow: ['nexus'] },
    nexus: { ip_addresses: ['10.0.0.1'] },
  },
}

function configOf(
  changes: Record<string, unknown> = {},
  services: Record<string, unknown> = base.services,
): Config {
  return parseConfig(JSON.stringify({ ...base, ...changes, services }), { file: '/srv/mtls-config.yaml' })
}

const nothing: Inventory = {
  mesh: undefined,
  slots: [],
  issuingConstraints: undefined,
  cas: new Map(),
  announced: new Map(),
  trustStatementCurrent: false,
  trustStatementAhead: false,
  trustSigners: [],
  bundleKeyTrusted: true,
  dueLists: [],
  log: 'hash-log',
  logRoots: new Set(),
  rootKeys: new Map(),
  rootsVouched: true,
  bundle: undefined,
  witnesses: { live: [], state: 'unreachable', known: [], undelivered: [] },
  pinning: 'required',
  pinsLate: undefined,
  authorityUnder: [],
  operatorTerms: [],
  services: new Map(),
  published: false,
}

const first = { generation: 1, counter: 1 }

/** What is there after `config` was applied a moment ago. */
function appliedAt(config: Config, at: number): Inventory {
  const services = [...config.services.values()]
  const slot = (kind: SlotKind) => ({
    id: `${kind}-1`,
    kind,
    state: 'active' as const,
    algorithm: 'ecdsa-p256' as const,
    spkiHash: `hash-${kind}`,
    spki: new Uint8Array(),
    certificate: undefined,
    since: at,
    leftOut: [],
  })
  return {
    mesh: {
      ...{ meshId: 'm', trustDomain: config.trustDomain, environment: '', generation: 1, createdAt: at },
      ...{ halted: undefined, backedUpAt: undefined, scts: 'required' },
    },
    slots: [slot('root'), slot('issuing-ca'), slot('bundle-key'), slot('log')],
    issuingConstraints: constraintsOf(config),
    cas: new Map(),
    announced: new Map(),
    trustStatementCurrent: true,
    trustStatementAhead: false,
    trustSigners: ['root-1'],
    bundleKeyTrusted: true,
    dueLists: [],
    log: 'hash-log',
    logRoots: new Set(),
    rootKeys: new Map(),
    rootsVouched: true,
    bundle: bundleAt(at),
    witnesses: nothing.witnesses,
    pinning: 'required',
    pinsLate: undefined,
    authorityUnder: [],
    operatorTerms: [],
    services: new Map(services.map(({ service }) => [service, memberOf(config, service, at)])),
    published: true,
  }
}

function bundleAt(at: number): NonNullable<Inventory['bundle']> {
  return {
    ...{ number: first, trustStatement: first, issuedAt: at, expiresAt: at + 7 * DAY },
  }
}

function memberOf(config: Config, name: string, at: number): InventoryService {
  const service = config.services.get(name)!
  const settings = settingsOf(config, service)
  const { spiffeId } = service
  return {
    row: {
      service: name,
      spiffeId,
      state: 'member',
      settings: encodeSettings(settings),
      since: at,
      barredAt: undefined,
    },
    settings,
    instances: [
      {
        row: { id: name, service: name, place: 'here', since: at, held: undefined },
        current: certificateOf(config, name, at),
        request: certificateRequestOf(settings),
        pair: serialOf(name),
        failed: undefined,
        nextKey: true,
        linked: true,
      },
    ],
  }
}

/** Its last octets, from which the jitter is drawn, are 0. */
const serialOf = (service: string) => `${Buffer.from(service).toString('hex')}00000000`

function certificateOf(config: Config, service: string, at: number): CertificateRow {
  const settings = settingsOf(config, config.services.get(service)!)
  return {
    serial: serialOf(service),
    profile: 'leaf',
    slot: 'issuing-ca-1',
    spkiHash: '',
    instance: service,
    notBefore: at,
    notAfter: at + settings.validityDays * DAY,
    tbsHash: '',
    request: encodeRequest(certificateRequestOf(settings)),
    intendedAt: at,
    state: 'issued',
    der: new Uint8Array(),
    log: 'log-1',
  }
}

const brief = (actions: readonly Action[]) =>
  actions.map(({ kind, subject, safety }) =>
    safety === 'safe' ? `${kind} ${subject}` : `${kind} ${subject}!`,
  )

const planned = (config: Config, inventory: Inventory, at = now) => brief(plan(config, inventory, at).actions)

describe('plan', () => {
  test('of a new mesh makes everything, and all of it is safe', () => {
    assert.deepEqual(planned(configOf(), nothing), [
      'create-mesh mesh',
      'add-service lake',
      'add-service stream',
      'add-service nexus',
      'issue lake',
      'issue stream',
      'issue nexus',
      'publish mesh',
    ])
  })

  test('goes on making what a mesh begins with until all of it is there', () => {
    const applied = appliedAt(configOf(), now)
    const without = (kind: SlotKind, bundle: Inventory['bundle']) =>
      planned(configOf(), { ...applied, slots: applied.slots.filter((slot) => slot.kind !== kind), bundle })
    for (const kind of ['root', 'issuing-ca', 'bundle-key'] as const)
      assert.deepEqual(without(kind, undefined)[0], 'create-mesh mesh')
    // As after a restore.
    assert.deepEqual(without('issuing-ca', applied.bundle)[0], 'prepare mesh')
    assert.deepEqual(planned(configOf(), { ...applied, bundle: undefined, published: false }), [
      'publish mesh',
    ])
  })

  test('of what has been applied is nothing', () => {
    assert.deepEqual(planned(configOf(), appliedAt(configOf(), now)), [])
  })

  test('signs the bundle anew after a day', () => {
    assert.deepEqual(planned(configOf(), appliedAt(configOf(), now), now + DAY - 1), [])
    assert.deepEqual(planned(configOf(), appliedAt(configOf(), now), now + DAY), ['publish mesh'])
  })

  test('announces what a crash kept from being announced', () => {
    const inventory = { ...appliedAt(configOf(), now), trustStatementCurrent: false }
    assert.deepEqual(planned(configOf(), inventory), ['publish-trust-statement mesh'])
  })

  test('publishes again where what is published was lost', () => {
    assert.deepEqual(planned(configOf(), { ...appliedAt(configOf(), now), published: false }), [
      'publish mesh',
    ])
  })
})

/** What changes in the config, and the actions it becomes; a `!` marks the destructive ones. */
const changes: readonly (readonly [change: string, config: Config, actions: readonly string[]])[] = [
  [
    'a service added',
    configOf({}, { ...base.services, api: {} }),
    ['add-service api', 'issue api', 'publish mesh'],
  ],
  [
    'a service removed',
    configOf({}, { lake: base.services.lake, nexus: base.services.nexus }),
    ['remove-service stream!', 'publish mesh'],
  ],
  [
    'a service under another key, with its name',
    configOf({}, { ...base.services, lake: undefined, pond: { common_name: 'lake.service.datapunk' } }),
    ['rename-service pond!', 'issue pond', 'publish mesh'],
  ],
  [
    'a name that a member lets go, for a new service',
    configOf(
      {},
      {
        ...base.services,
        lake: { common_name: 'l.service.datapunk' },
        pond: { common_name: 'lake.service.datapunk' },
      },
    ),
    ['change-names lake!', 'add-service pond!', 'issue lake', 'issue pond', 'publish mesh'],
  ],
  [
    'a name added',
    configOf({}, { ...base.services, lake: { ...base.services.lake, dns_names: ['l.service.datapunk'] } }),
    ['change-names lake', 'issue lake', 'publish mesh'],
  ],
  [
    'a name changed',
    configOf({}, { ...base.services, lake: { common_name: 'pond.service.datapunk' } }),
    ['change-names lake!', 'issue lake', 'publish mesh'],
  ],
  [
    'two names swapped',
    configOf(
      {},
      {
        ...base.services,
        lake: { common_name: 'stream.service.datapunk' },
        stream: { common_name: 'lake.service.datapunk', allow: ['nexus'] },
      },
    ),
    ['change-names lake!', 'change-names stream!', 'issue lake', 'issue stream', 'publish mesh'],
  ],
  [
    'a name taken over by a service that has all it had',
    configOf(
      {},
      {
        ...base.services,
        lake: { ...base.services.lake, dns_names: ['stream.service.datapunk'], allow: [] },
        stream: { common_name: 's.service.datapunk', allow: ['nexus'] },
      },
    ),
    [
      ...['change-names lake!', 'change-callers lake', 'change-names stream!'],
      ...['issue lake', 'issue stream', 'publish mesh'],
    ],
  ],
  [
    'a file taken over',
    configOf(
      {},
      {
        ...base.services,
        lake: { ...base.services.lake, cert: '/srv/certs/stream.crt' },
        stream: { allow: ['nexus'], cert: '/srv/certs/s.crt' },
      },
    ),
    ['change-place lake!', 'change-place stream', 'publish mesh'],
  ],
  [
    'another organization',
    configOf({ certificates: { ...base.certificates, organization: 'Datapunk Ltd' } }),
    [
      'change-certificate lake',
      'change-certificate stream',
      'change-certificate nexus',
      'issue lake',
      'issue stream',
      'issue nexus',
      'publish mesh',
    ],
  ],
  [
    'another key algorithm',
    configOf(
      { certificates: { ...base.certificates, key_algorithm: 'ed25519' } },
      { lake: base.services.lake },
    ),
    ['change-certificate lake', 'issue lake', 'publish mesh'],
  ],
  [
    'another caller allowed',
    configOf({}, { ...base.services, stream: { allow: ['nexus', 'lake'] } }),
    ['change-callers stream!', 'publish mesh'],
  ],
  [
    'everyone allowed',
    configOf({}, { ...base.services, stream: {} }),
    ['change-callers stream!', 'publish mesh'],
  ],
  [
    'not everyone allowed any more',
    configOf({}, { ...base.services, lake: { ...base.services.lake, allow: ['nexus', 'stream'] } }),
    ['change-callers lake', 'publish mesh'],
  ],
  [
    'nobody allowed any more',
    configOf({}, { ...base.services, stream: { allow: [] } }),
    ['change-callers stream', 'publish mesh'],
  ],
  [
    'TLS 1.2 let in',
    configOf({}, { ...base.services, stream: { allow: ['nexus'], min_tls: '1.2' } }),
    ['change-tls stream!', 'publish mesh'],
  ],
  [
    'another place',
    configOf(
      {},
      { ...base.services, stream: { allow: ['nexus'], address: '10.0.0.9:1', cert: '/srv/s.crt' } },
    ),
    ['change-place stream', 'publish mesh'],
  ],
  [
    'a shorter life, from the next renewal on',
    configOf({}, { ...base.services, lake: { ...base.services.lake, validity_days: 10 } }),
    ['change-lifetime lake', 'publish mesh'],
  ],
  [
    'an address added, for which the issuing CA may not sign',
    configOf({}, { ...base.services, lake: { ...base.services.lake, ip_addresses: ['10.0.0.2'] } }),
    ['prepare mesh', 'change-names lake', 'issue lake', 'publish mesh'],
  ],
]

describe('a change in the config becomes the right actions', () => {
  for (const [change, config, actions] of changes) {
    test(change, () => {
      const before =
        change === 'another key algorithm' ? configOf({}, { lake: base.services.lake }) : configOf()
      assert.deepEqual(planned(config, appliedAt(before, now)), actions)
    })
  }

  test('a smaller key is destructive, a larger one is not', () => {
    const withKey = (bits: number) => configOf({ certificates: { key_size: bits } }, { lake: {} })
    assert.equal(planned(withKey(2048), appliedAt(withKey(4096), now))[0], 'change-certificate lake!')
    assert.equal(planned(withKey(4096), appliedAt(withKey(2048), now))[0], 'change-certificate lake')
  })
})

describe('a service that was revoked, and taken out of the config', () => {
  test('comes back as a member without a certificate, and what lets it in is said', () => {
    const config = configOf()
    const inventory = appliedAt(config, now)
    const lake = inventory.services.get('lake')!
    const row = { ...lake.row, state: 'removed', barredAt: now } as const
    const services = new Map([...inventory.services, ['lake', { ...lake, row, instances: [] }]])
    const { actions } = plan(config, { ...inventory, services }, now)
    assert.deepEqual(brief(actions), ['add-service lake', 'publish mesh'])
    assert.match(actions[0]!.reason, /no certificate until `mtls issue lake`/)
  })

  test('gets nothing while it is barred', () => {
    const inventory = appliedAt(configOf(), now)
    const lake = inventory.services.get('lake')!
    const barred = {
      ...{ row: { ...lake.row, barredAt: now }, settings: lake.settings },
      instances: lake.instances.map((one) => ({ ...one, pair: undefined, nextKey: false, linked: false })),
    }
    const services = new Map([...inventory.services, ['lake', barred]])
    assert.deepEqual(planned(configOf(), { ...inventory, services }), [])
  })
})

describe('while the next issuing CA waits until everybody knows it', () => {
  const before = appliedAt(configOf(), now)
  const config = configOf(
    {},
    { ...base.services, lake: { ip_addresses: ['10.0.0.2'], ...base.services.lake } },
  )
  const lake = memberOf(config, 'lake', now)
  const had = before.services.get('lake')!.instances[0]!
  const certificate = new Uint8Array([1])
  const next = { ...before.slots[1]!, id: 'issuing-ca-2', state: 'prepared', certificate } as const
  const facts = { signer: 'root-1', notBefore: now, notAfter: now + 3 * 365 * DAY, revoked: false }
  const waiting: Inventory = {
    ...before,
    slots: [...before.slots, next],
    cas: new Map([['issuing-ca-2', { ...facts, constraints: constraintsOf(config) }]]),
    announced: new Map([['issuing-ca-2', { number: first, issuedAt: now }]]),
    services: new Map([
      ...before.services,
      ['lake', { ...lake, instances: [{ ...lake.instances[0]!, ...had }] }],
    ]),
    witnesses: {
      ...before.witnesses,
      live: [
        {
          ...{ instance: 'stream', trustStatement: undefined, bundle: undefined, at: undefined },
          ...{ shown: undefined, connections: new Map() },
        },
      ],
    },
  }
  const keyAway = { path: '/srv/certs/ca.key', isThere: false, instead: undefined }
  const withLake = (changes: Partial<InventoryInstance>): Inventory => {
    const changed = { ...lake, instances: [{ ...lake.instances[0]!, ...had, ...changes }] }
    return { ...waiting, services: new Map([...waiting.services, ['lake', changed]]) }
  }

  test('no certificate is promised for an address that it alone may sign for', () => {
    const { actions, waits } = plan(config, waiting, now)
    assert.deepEqual([brief(actions), waits.map(({ stage }) => stage)], [[], ['distribute']])
  })

  test('nor while that waits under the next root, or for the key of a root that is away', () => {
    const under = { ...waiting.cas.get('issuing-ca-2')!, signer: 'root-2' }
    const root = { ...before.slots[0]!, id: 'root-2', state: 'prepared', certificate } as const
    const withRoot = {
      ...{ ...waiting, slots: [...before.slots, root, next], cas: new Map([['issuing-ca-2', under]]) },
      announced: new Map([...waiting.announced, ['root-2', { number: first, issuedAt: now }]]),
    }
    const { actions, waits } = plan(config, withRoot, now)
    assert.deepEqual([brief(actions), waits.map(({ slot }) => slot)], [[], ['root-2']])
    const away = { ...waiting, slots: before.slots, rootKeys: new Map([['root-1', keyAway]]) }
    assert.deepEqual(planned(config, away), [])
  })

  test('what is lost is issued without that address', () => {
    assert.deepEqual(planned(config, withLake({ pair: undefined })), ['issue lake'])
  })

  test('so is what is new', () => {
    const more = configOf({}, { ...base.services, pond: { ip_addresses: ['10.0.0.3'] } })
    const announced = new Map(waiting.announced)
    assert.deepEqual(
      planned(more, {
        ...before,
        slots: waiting.slots,
        cas: waiting.cas,
        announced,
        witnesses: waiting.witnesses,
      }),
      ['add-service pond', 'issue pond', 'publish mesh'],
    )
  })

  test('the wait of a next log changes nothing', () => {
    const log = { ...before.slots[3]!, id: 'log-2', state: 'prepared' } as const
    const announced = new Map([['log-2', { number: first, issuedAt: now }]])
    const { services } = withLake({})
    const inventory = { ...waiting, slots: [...before.slots, log], announced, services }
    assert.deepEqual(planned(config, inventory), ['prepare mesh', 'issue lake'])
    const failed = { kind: 'prepare', slotKind: 'issuing-ca', reason: 'failed' } as const
    const { actions, waits } = plan(config, inventory, now, [failed])
    assert.deepEqual([brief(actions), waits.map(({ slot }) => slot)], [['issue lake'], ['log-2']])
  })
})

describe('a certificate is issued', () => {
  const config = configOf({}, { lake: {} })
  const applied = appliedAt(config, now)
  const withInstance = (changes: Partial<InventoryInstance>): Inventory => {
    const lake = applied.services.get('lake')!
    const instances = lake.instances.map((instance) => ({ ...instance, ...changes }))
    return { ...applied, services: new Map([['lake', { ...lake, instances }]]) }
  }
  const issues = (inventory: Inventory, at = now) =>
    plan(config, { ...inventory, bundle: bundleAt(at) }, at).actions.map(({ reason }) => reason)

  test('when it is due for renewal, and not a moment before', () => {
    const due = now + 0.67 * 100 * DAY
    assert.deepEqual(issues(applied, due - 1), [])
    assert.match(issues(applied, due)[0]!, /due for renewal at 2026-08-07/)
  })

  test('or up to the jitter before that, by the serial, so that many made together are not due together', () => {
    const certificate = { notBefore: 0, notAfter: 100 * DAY }
    const dues = ['00000000', '80000000', 'ffffffff'].map((end) =>
      renewalDue({ ...certificate, serial: `ab${end}` }, 0.67, 0.05),
    )
    assert.deepEqual(
      dues.map((due) => Math.round((due / DAY) * 10) / 10),
      [67, 64.5, 62],
    )
  })

  test('as a renewal while it is good, and at once where it is not', () => {
    const kinds = (inventory: Inventory, at: number) =>
      plan(config, { ...inventory, bundle: bundleAt(at) }, at).actions.map(({ kind }) => kind)
    assert.deepEqual(kinds(applied, now + 70 * DAY), ['renew'])
    assert.deepEqual(kinds(applied, now + 100 * DAY), ['issue'])
    const retiring = applied.slots.map((slot) =>
      slot.kind === 'issuing-ca' ? { ...slot, state: 'retiring' as const } : slot,
    )
    const next = { ...retiring[1]!, id: 'issuing-ca-2', state: 'active' as const }
    assert.deepEqual(kinds({ ...applied, slots: [...retiring, next] }, now), ['renew'])
  })

  test('not while it is held, until it has ended', () => {
    const { row, current, request } = applied.services.get('lake')!.instances[0]!
    const held = { row: { ...row, held: current!.serial } }
    assert.deepEqual(issues(withInstance(held), now + 99 * DAY), [])
    assert.match(issues(withInstance(held), now + 100 * DAY)[0]!, /expired/)
    const asked = (changes: Partial<CertificateRequest>) =>
      issues(withInstance({ ...held, request: { ...request!, ...changes } }))
    for (const changes of [{ organization: 'Before' }, { keySize: 3072 }, { dnsNames: [] }])
      assert.deepEqual(asked(changes), [])
    assert.match(asked({ dnsNames: ['before.service.internal'] })[0]!, /dnsNames/)
  })

  test('but only what is missing beside it is made or mended', () => {
    const done = (changes: Partial<InventoryInstance>) =>
      brief(plan(config, withInstance(changes), now).actions)
    assert.deepEqual(done({ linked: false }), ['link-files lake'])
    assert.deepEqual(done({ nextKey: false }), ['make-next-key lake'])
    assert.deepEqual(done({ pair: undefined, nextKey: false, linked: false }), ['issue lake'])
  })

  test('by what it stands on, where that is to be logged', () => {
    const off = configOf({ transparency: 'off' }, { lake: {} })
    const logs = (...states: SlotState[]) =>
      states.map((state, at) => ({ ...applied.slots[3]!, id: `log-${at + 1}`, state, since: at }))
    const withLogs = (...states: SlotState[]) => ({
      ...applied,
      slots: [...applied.slots.slice(0, 3), ...logs(...states)],
    })
    const { current } = applied.services.get('lake')!.instances[0]!
    const unlogged = withInstance({ current: { ...current!, log: undefined } })
    const needs: readonly (readonly [inventory: Inventory, logged: string[], off: string[]])[] = [
      [unlogged, ['renew lake'], []],
      [{ ...unlogged, log: undefined }, [], []],
      [withLogs('compromised', 'active'), ['issue lake'], []],
      [withLogs('retiring', 'active'), [], []],
      [withLogs('retiring', 'retiring', 'retiring', 'retiring', 'active'), ['renew lake'], []],
    ]
    const pairs = (config: Config, inventory: Inventory) =>
      brief(plan(config, inventory, now).actions).filter((action) => action.endsWith('lake'))
    for (const [inventory, logged, unasked] of needs) {
      assert.deepEqual(pairs(config, inventory), logged)
      assert.deepEqual(pairs(off, inventory), unasked)
    }
  })

  test('when it is of the future, and another would not be', () => {
    const { current } = applied.services.get('lake')!.instances[0]!
    const ahead = withInstance({ current: { ...current!, notBefore: now + DAY } })
    const caOf = (notBefore: number) => {
      const facts = { signer: 'root-1', notBefore, notAfter: now + 3 * 365 * DAY, revoked: false }
      return new Map([['issuing-ca-1', { ...facts, constraints: undefined }]])
    }
    assert.match(issues({ ...ahead, cas: caOf(now) })[0]!, /the clock was ahead/)
    assert.deepEqual(issues({ ...ahead, cas: caOf(now + DAY) }), [])
  })

  test('when it has expired', () =>
    assert.match(issues(applied, now + 100 * DAY)[0]!, /expired at 2026-09-09/))

  test('when the pair on disk is missing, or another', () => {
    assert.match(issues(withInstance({ pair: undefined }))[0]!, /missing on disk/)
    assert.match(issues(withInstance({ pair: 'other' }))[0]!, /not the one recorded last/)
  })

  test('when its issuing CA is no longer trusted', () => {
    const slots = applied.slots.map((slot) =>
      slot.kind === 'issuing-ca' ? { ...slot, id: 'issuing-ca-2' } : slot,
    )
    assert.match(issues({ ...applied, slots })[0]!, /issuing CA issuing-ca-1 is undefined/)
  })

  test('but not for a key that lives elsewhere', () => {
    const row = { id: 'lake', service: 'lake', place: 'elsewhere' as const, since: now, held: undefined }
    assert.deepEqual(issues(withInstance({ row }), now + 99 * DAY), [])
  })
})

describe('that certificates are logged', () => {
  const applied = appliedAt(configOf(), now)
  const told = (scts: 'report' | 'required' | undefined, changes: Partial<Inventory> = {}): Inventory => ({
    ...applied,
    ...{
      mesh: { ...applied.mesh!, scts },
      announced: new Map([['log-1', { number: first, issuedAt: now }]]),
    },
    ...changes,
  })
  const changes = (config: Config, inventory: Inventory) =>
    planned(config, inventory).filter((action) => action.startsWith('change-transparency'))

  test('is required where the config says so, and no less without being asked for', () => {
    const [required, report, off] = ['required', 'report', 'off'].map((transparency) =>
      configOf({ transparency }),
    )
    const [safe, destructive] = [['change-transparency mesh'], ['change-transparency mesh!']]
    assert.deepEqual(changes(required!, told('report')), safe)
    assert.deepEqual(changes(report!, told(undefined)), safe)
    for (const before of ['report', 'required'] as const)
      assert.deepEqual(changes(off!, told(before)), destructive)
    assert.deepEqual(changes(report!, told('required')), destructive)
    assert.deepEqual([changes(report!, told('report')), changes(off!, told(undefined))], [[], []])
  })

  const lake = applied.services.get('lake')!
  const has = (current: Partial<CertificateRow>, row = lake.row): Partial<Inventory> => {
    const instances = lake.instances.map((one) => ({ ...one, current: { ...one.current!, ...current } }))
    return { services: new Map([...applied.services, ['lake', { ...lake, row, instances }]]) }
  }
  const shows = (log: string | undefined, notAfter = now + DAY, statement = first) => {
    const said = { instance: 'elsewhere', trustStatement: statement, bundle: first, at: now }
    return { ...said, shown: { slot: 'issuing-ca-1', log, notAfter } }
  }
  const live = (one: ReturnType<typeof shows>): Partial<Inventory> => ({
    witnesses: { ...applied.witnesses, live: [{ ...one, connections: new Map() }] },
  })
  const silent = (one: ReturnType<typeof shows>): Partial<Inventory> => ({
    witnesses: { ...applied.witnesses, known: [{ ...one, speaksUntil: now + DAY }] },
  })
  const before = { generation: 1, counter: 0 }
  const goneLog = { ...applied.slots[3]!, id: 'log-0', state: 'retired' } as const
  const readiness: readonly (readonly [what: string, changes: Partial<Inventory>, isReady: boolean])[] = [
    ['a log that no peer was told of', { announced: new Map() }, false],
    ['a live peer that knows it', live(shows('log-1')), true],
    ['a live peer that does not know it', live(shows('log-1', now + DAY, before)), false],
    ['a live peer that shows what is in no log', live(shows(undefined)), false],
    ['a live peer that shows what has ended', live(shows(undefined, now)), true],
    ['a silent peer that shows what is in no log', silent(shows(undefined)), false],
    ['a member’s certificate that is in no log', has({ log: undefined }), false],
    [
      'a member’s certificate in a log that is gone',
      { ...has({ log: 'log-0' }), slots: [...applied.slots, goneLog] },
      false,
    ],
    ['a member’s certificate that has ended', has({ log: undefined, notAfter: now }), true],
    ['a certificate of who has left', has({ log: undefined }, { ...lake.row, state: 'removed' }), true],
  ]
  for (const [what, inventory, isReady] of readiness) {
    test(`${isReady ? 'is' : 'is not'} required yet with ${what}`, () => {
      assert.equal(changes(configOf(), told('report', inventory)).length, isReady ? 1 : 0)
    })
  }
})

test('plan is total, and safe actions never take anything away', () => {
  const name = fc.constantFrom('lake', 'stream', 'nexus', 'api')
  const service = fc.record(
    {
      allow: fc.constantFrom('members', []),
      min_tls: fc.constantFrom('1.2', '1.3'),
      validity_days: fc.integer({ min: 1, max: 100 }),
    },
    { requiredKeys: [] },
  )
  const services = fc.dictionary(name, service, { minKeys: 1 })
  fc.assert(
    fc.property(services, services, fc.nat(200), (before, after, days) => {
      const { actions } = plan(configOf({}, after), appliedAt(configOf({}, before), now), now + days * DAY)
      const safe = actions.filter(({ safety }) => safety === 'safe')
      assert.ok(safe.every(({ kind }) => kind !== 'remove-service' && kind !== 'rename-service'))
      assert.equal(
        actions.filter(({ kind }) => kind === 'remove-service').length,
        Object.keys(before).filter((one) => !Object.hasOwn(after, one)).length,
      )
    }),
  )
})
