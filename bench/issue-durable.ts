import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { logOpener } from '@datapunk/log'
import { keyIdOf, parseConfig } from '@datapunk/protocol'
import { TestMesh } from '@datapunk/testkit'
import { issueLeaf } from '../packages/authority/issuing/issue.ts'
import { LogSeat } from '../packages/authority/scts/log-seat.ts'
import type { CertificateRequest } from '../packages/authority/services/settings.ts'
import { KeptStore } from '../packages/authority/store/kept-store.ts'
import type { SlotRow } from '../packages/authority/store/rows.ts'
import { SqliteStore } from '../packages/authority/store/sqlite.ts'
import { machineCosts } from './machine-limit.ts'
import { cpuOf } from './measure.ts'
import { number, printRows, type Row } from './table.ts'

/**
 * Story 1 with all of it on disk before it is believed, without a log and with one: what is promised is in the inventory, and
 * what was logged is there for everybody to see. The limit is one thread that only signs, checks signatures and waits for the
 * disk, with as many of each as there have to be.
 *
 *     node bench/issue-durable.ts
 */
const AT_ONCE = 64
const COUNT = 20_000
const DAY = 86_400_000
const GENERATION = 1

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const spki = publicKey.export({ type: 'spki', format: 'der' })

interface Goal {
  readonly what: string
  readonly perSecond: number
  /** For each certificate. */
  readonly signatures: number
  readonly checks: number
  /** One after the other, for each 64. */
  readonly syncs: number
}

async function durable(transparency: 'off' | 'required', goal: Goal): Promise<Row> {
  const mesh = await TestMesh.create({ services: { lake: {} } })
  const { signer, certificate } = mesh.ca.issuing
  const clock = () => mesh.ca.at
  const config = parseConfig(`{ transparency: ${transparency}, services: { lake: {} } }`, {
    file: mesh.configFile,
  })
  const open = logOpener(config, clock)
  const logSeat = new LogSeat((wanted) => open(wanted, (use) => use(signer)))
  const store = new KeptStore(SqliteStore.open({ file: join(mesh.folder, 'authority', 'inventory.db') }))
  const instances = Array.from({ length: 10_000 }, (_, index) => `s${index}`)
  const about = { meshId: 'bench', generation: GENERATION }
  if (transparency !== 'off') await logSeat.take(about)
  await store.write((transaction) => {
    transaction.createMesh({
      ...{ ...about, trustDomain: config.trustDomain, environment: '', createdAt: clock() },
      ...{ halted: undefined, backedUpAt: undefined },
    })
    transaction.putSlot(slot('issuing-ca-1', signer.spki, { certificate: certificate.der }))
    if (logSeat.log) transaction.putSlot(slot('log-1', logSeat.log.spki, { origin: logSeat.log.origin }))
    for (const id of instances) {
      const spiffeId = `spiffe://x/${id}`
      const of = { service: id, since: clock() }
      transaction.putService({ ...of, spiffeId, state: 'member', settings: '{}', barredAt: undefined })
      transaction.putInstance({ ...of, id, place: 'here', held: undefined })
    }
  })

  const request: CertificateRequest = {
    ...{ commonName: 'lake.service.datapunk', organization: 'Datapunk', country: 'US' },
    ...{ dnsNames: ['lake.service.datapunk'], ipAddresses: [], keyAlgorithm: 'ecdsa-p256', keySize: null },
    mustStaple: false,
  }
  const leaf = { spiffeId: 'spiffe://service.datapunk/lake', request }
  const issuer = { slot: 'issuing-ca-1', certificate, signer }
  const issuing = { store, clock, randomBytes, actor: 'bench', config, logSeat, report: () => {} }
  let next = 0
  const lane = async () => {
    while (next < COUNT) {
      const instance = instances[next++ % instances.length]!
      await issueLeaf({ ...leaf, instance, spki, validityDays: 1 }, issuer, issuing)
    }
  }
  const costs = machineCosts(mesh.folder)
  const begun = performance.now()
  const cpu = await cpuOf(() => Promise.all(Array.from({ length: AT_ONCE }, lane)))
  const rate = (COUNT / (performance.now() - begun)) * 1000
  await logSeat.close()
  store.close()
  await mesh.remove()

  const { signatures, checks, syncs } = goal
  const least = signatures * costs.sign + checks * costs.verify + (syncs * costs.sync) / AT_ONCE
  return {
    what: `issue, durable, ${AT_ONCE} at once: ${goal.what}`,
    found: `${number(rate)}/s by the clock, ${number((COUNT / cpu) * 1e6)}/s a second of CPU`,
    limit: `${number(1e6 / least)}/s, ${signatures} signatures and ${checks} checks each, ${syncs} syncs for ${AT_ONCE}`,
    ratio: ((rate * least) / 1e6).toFixed(2),
    goal: `≥ ${number(goal.perSecond)}/s`,
    met: rate >= goal.perSecond,
  }
}

function slot(
  id: 'issuing-ca-1' | 'log-1',
  spki: Uint8Array,
  of: { readonly certificate?: Uint8Array; readonly origin?: string },
): SlotRow {
  return {
    ...{ id, kind: id === 'log-1' ? 'log' : 'issuing-ca', state: 'active', algorithm: 'ecdsa-p256' },
    ...{ spkiHash: keyIdOf(spki), spki, certificate: undefined, since: Date.now() - DAY, leftOut: [], ...of },
  }
}

const what = 'intent and result, each with its audit entry'
printRows([
  await durable('off', { what, perSecond: 4_000, signatures: 1, checks: 1, syncs: 2 }),
  // Precertificate, SCT, certificate, each signed and checked; the log, in the same process, need not check the first of them
  // again. Beside the two records: what was staged and its folder, the checkpoint's record, tiles and their folders, the
  // checkpoint and its folder.
  await durable('required', {
    what: `with an SCT, ${what}`,
    perSecond: 2_500,
    signatures: 3,
    checks: 3,
    syncs: 9,
  }),
])
