import { plan } from '@datapunk/authority'
import { parseConfig } from '@datapunk/protocol'
import type { Inventory } from '../packages/authority/planning/inventory.ts'
import { constraintsOf } from '../packages/authority/services/constraints.ts'
import {
  certificateRequestOf,
  decodeRequest,
  decodeSettings,
  encodeRequest,
  encodeSettings,
  settingsOf,
} from '../packages/authority/services/settings.ts'
import type { SlotRow } from '../packages/authority/store/rows.ts'
import { inTurns, measured } from './measure.ts'
import { printRows } from './table.ts'

/**
 * `plan` over 100,000 services: nothing to do, and every certificate due. The limit is one JSON.stringify per service,
 * which is what comparing its settings comes to.
 *
 *     taskset -c 0 node bench/plan.ts
 */
const COUNT = 100_000
const DAY = 86_400_000
const now = Date.UTC(2026, 10, 1)
const services = Object.fromEntries(Array.from({ length: COUNT }, (_, index) => [`s${index}`, {}]))
const config = parseConfig(
  JSON.stringify({ trust_domain: 'x.internal', certificates: { key_algorithm: 'ecdsa-p256' }, services }),
  { file: '/etc/datapunk/mtls-config.yaml' },
)
const inventory = inventoryOf()
const applied = [...config.services.values()].map((service) => settingsOf(config, service))

const done = plan(config, inventory, now).actions.length
const due = plan(config, inventory, now + 300 * DAY).actions.length
if (done !== 0 || due !== COUNT + 1) throw new Error(`planned ${done} and ${due} actions`)

const costs = await inTurns(
  {
    nothing: () => plan(config, inventory, now),
    all: () => plan(config, inventory, now + 300 * DAY),
    limit: () => {
      for (const settings of applied) encodeSettings(settings)
    },
  },
  1,
)
const limit = measured(costs.limit)
for (const [what, micros] of [
  ['nothing to do', costs.nothing],
  ['every certificate due', costs.all],
] as const) {
  const { median, low, high } = measured(micros)
  const [found, from, to] = [median, low, high].map((value) => (value / 1000).toFixed(0))
  printRows([
    {
      what: `plan over 100,000 services, ${what}`,
      found: `${found} ms of CPU (${from} to ${to})`,
      limit: `${(limit.median / 1000).toFixed(0)} ms`,
      ratio: (limit.median / median).toFixed(2),
      goal: '≤ 100 ms',
      met: median <= 100_000,
    },
  ])
}

function inventoryOf(): Inventory {
  const first = { generation: 1, counter: 1 }
  const slot = (kind: SlotRow['kind']): SlotRow => ({
    ...{
      id: `${kind}-1`,
      kind,
      state: 'active',
      algorithm: 'ecdsa-p256',
      spkiHash: 'a'.repeat(64),
      since: now,
    },
    ...{ spki: new Uint8Array(91), certificate: undefined, leftOut: [] },
  })
  const all = [...config.services.values()].map((service) => {
    const settings = settingsOf(config, service)
    return { id: service.service, spiffeId: service.spiffeId, settings }
  })
  const certificate = {
    profile: 'leaf',
    slot: 'issuing-ca-1',
    state: 'issued',
    tbsHash: '',
    der: undefined,
    log: 'log-1',
  } as const
  return {
    mesh: {
      meshId: 'm',
      trustDomain: config.trustDomain,
      environment: undefined,
      generation: 1,
      createdAt: now,
      scts: 'required',
    } as never,
    slots: [slot('root'), slot('issuing-ca'), slot('bundle-key'), slot('log')],
    log: slot('log').spkiHash,
    logRoots: new Set(),
    issuingConstraints: constraintsOf(config),
    cas: new Map(),
    announced: new Map(),
    trustStatementCurrent: true,
    trustStatementAhead: false,
    trustSigners: ['root-1'],
    bundleKeyTrusted: true,
    dueLists: [],
    rootKeys: new Map(),
    rootsVouched: true,
    bundle: {
      ...{ number: first, trustStatement: first, issuedAt: now, expiresAt: now + 7 * DAY },
      ...{ signedBy: 'bundle-key-1', draining: new Set() },
    },
    witnesses: { live: [], state: 'complete', known: [], undelivered: [] },
    services: new Map(
      all.map(({ id, spiffeId, settings }, index) => {
        const request = certificateRequestOf(settings)
        const current = {
          ...{ ...certificate, serial: String(index), spkiHash: '', instance: id, intendedAt: now },
          ...{ notBefore: now, notAfter: now + 365 * DAY, request: encodeRequest(request) },
        }
        const row = { id, service: id, place: 'here' as const, since: now, held: undefined }
        return [
          id,
          {
            row: {
              service: id,
              spiffeId,
              state: 'member' as const,
              settings: encodeSettings(settings),
              since: now,
              barredAt: undefined,
            },
            // Read anew, as from the store, so that nothing is equal by being the same.
            settings: decodeSettings(encodeSettings(settings)),
            instances: [
              {
                ...{ row, current, request: decodeRequest(current.request), pair: String(index) },
                ...{ failed: undefined, nextKey: true, linked: true },
              },
            ],
          },
        ]
      }),
    ),
    pinning: 'required',
    pinsLate: undefined,
    authorityUnder: [],
    operatorTerms: [],
    published: true,
  }
}
