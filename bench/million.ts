import { randomBytes } from 'node:crypto'
import type { Authority } from '@datapunk/authority'
import { type RevokedEntries, signCrl } from '@datapunk/pki'
import { applySectionDifference, RevokedSet, sectionDifference } from '@datapunk/protocol'
import { TestCa } from '@datapunk/testkit'
import { KeptEntries } from '../packages/authority/revoked/kept-entries.ts'
import { KeptSection } from '../packages/authority/revoked/kept-section.ts'
import { SqliteStore } from '../packages/authority/store/sqlite.ts'
import { cpuOf, inTurns, type Measured, measured } from './measure.ts'
import { RevokedMesh } from './revoked-mesh.ts'
import { number, printRows, type Row } from './table.ts'

/**
 * A mesh with a million revoked certificates that have not ended: what they cost the authority and a peer. What making a
 * list costs, held against its limit, is in `crl.ts`.
 *
 *     taskset -c 0 node --expose-gc bench/million.ts [REVOKED]
 */
const count = Number(process.argv[2] ?? 1_000_000)
const what = `${number(count)} revoked`
const mesh = await RevokedMesh.create()
mesh.revoked(count)
// The whole first, for its memory.
const ofAuthority = await whole()
printRows([...(await byParts()), ...ofAuthority, ...(await atAPeer())])
mesh.remove()

/** Each part of one more revocation, by itself, in an inventory that has been read. */
async function byParts(): Promise<Row[]> {
  const store = SqliteStore.open({ file: mesh.inventory })
  const now = Date.now()
  const ca = await TestCa.create()
  const times = { thisUpdate: now, nextUpdate: now + 86_400_000 }
  const usual = { issuer: ca.issuing.certificate, number: 5, ...times }
  const sign = (listed: readonly RevokedEntries[]) =>
    signCrl({ ...usual, entries: listed }, ca.issuing.signer)
  const [section, entries] = [new KeptSection(store), new KeptEntries(store, 'issuing-ca-1')]
  const cold = await cpuOf(() => [section.at(now), entries.from(now)])
  const costs = { record: [], section: [], difference: [], apply: [], shard: [], whole: [] } as Parts
  for (let round = 0; round < 11; round++) {
    const serial = await issued(store, now)
    const which = { number: 0, time: now, thisUpdate: now }
    const shard = { index: Number.parseInt(serial.slice(-2), 16), shards: 256 }
    await sign(entries.from(now).select(which, shard))
    const before = section.at(now)!.bytes
    const note = async (part: keyof Parts, act: () => unknown) => costs[part].push(await cpuOf(act))
    await note('record', () => store.write((to) => to.revoke({ serial, reason: 'superseded', at: now })))
    await note('section', () => section.at(now))
    const next = section.at(now)!.bytes
    await note('difference', () => sectionDifference('revoked', before, next))
    const difference = sectionDifference('revoked', before, next)!
    await note('apply', () => {
      RevokedSet.parse(applySectionDifference(before, difference, next.byteLength))
    })
    await note('shard', () => sign(entries.from(now).select(which, shard)))
    await note('whole', () => sign(entries.from(now).select(which)))
  }
  store.close()
  const row = (name: string, part: keyof Parts): Row => ({
    what: `${what}, one more: ${name}`,
    found: milliseconds(measured(costs[part])),
  })
  return [
    { what: `${what}, all read and encoded at the start`, found: `${number(cold / 1000)} ms of CPU, once` },
    row('recorded, durably', 'record'),
    row('the section “revoked”, its digest too', 'section'),
    row('its difference', 'difference'),
    row('the difference made into a section and read, by a peer', 'apply'),
    row('one of 256 shards: its entries found, and the list made', 'shard'),
    row('the same of the whole list', 'whole'),
  ]
}

type Parts = Record<'record' | 'section' | 'difference' | 'apply' | 'shard' | 'whole', number[]>

async function issued(store: SqliteStore, now: number): Promise<string> {
  const serial = `41${randomBytes(15).toString('hex')}`
  await store.write((transaction) => {
    transaction.recordIntent({
      ...{ serial, profile: 'leaf', slot: 'issuing-ca-1', spkiHash: '', instance: 'lake', tbsHash: '' },
      ...{ request: '{}', notBefore: now, notAfter: now + 86_400_000 * 365, intendedAt: now },
    })
  })
  return serial
}

/** The authority as it is, with its files and its durable commits. */
async function whole(): Promise<Row[]> {
  const authority = await mesh.open()
  const first = await cpuOf(() => authority.plan())
  await authority.apply({ approve: () => true })
  const { idle } = await inTurns({ idle: times(() => authority.plan()) }, 5)
  const costs: number[] = []
  const clocks: number[] = []
  for (let round = 0; round < 7; round++) {
    await authority.issue('lake')
    const begun = performance.now()
    costs.push(await cpuOf(() => revoke(authority)))
    clocks.push((performance.now() - begun) * 1000)
  }
  await authority.close()
  globalThis.gc?.()
  const { rss } = process.memoryUsage()
  const revoked = measured(costs)
  return [
    {
      what: `${what}, a plan with nothing to do`,
      found: `${milliseconds(measured(idle))}; the first of a process ${number(first / 1000)} ms`,
    },
    {
      what: `${what}, one more, with bundle, list and files`,
      found: `${milliseconds(revoked)}, ${number(measured(clocks).median / 1000)} ms by the clock`,
      goal: '≤ 1 s',
      met: revoked.median <= 1e6,
    },
    {
      what: `${what}, memory of the authority`,
      found: `${number(rss / 2 ** 20)} MiB, ${number(process.resourceUsage().maxRSS / 1024)} MiB at its peak`,
    },
  ]
}

function revoke(authority: Authority) {
  return authority.revoke({ targets: [{ service: 'lake' }], reason: 'superseded' })
}

async function atAPeer(): Promise<Row[]> {
  const { bytes, some } = onRecord()
  const held = () => {
    globalThis.gc?.()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  held()
  const before = held()
  const set = RevokedSet.parse(bytes)
  const memory = held() - before + bytes.byteLength
  const others = some.map(() => `42${randomBytes(15).toString('hex')}`)
  const known = new Set(some)
  const ask = (serials: readonly string[], of: { has(serial: string): boolean }) => (count: number) => {
    for (let index = 0; index < count; index++) of.has(serials[index % serials.length]!)
  }
  const works = { revoked: ask(some, set), good: ask(others, set), limit: ask(others, known) }
  const costs = await inTurns(works, 500_000)
  const [revoked, good] = [measured(costs.revoked), measured(costs.good)]
  return [
    {
      what: `${what}, a peer's check`,
      found: `${nanoseconds(good)} good, ${nanoseconds(revoked)} revoked`,
      limit: `${nanoseconds(measured(costs.limit))}, a look into a Set of a tenth of them`,
      goal: '≤ 200 ns',
      met: good.median <= 0.2 && revoked.median <= 0.2,
    },
    {
      what: `${what}, memory of a peer for them`,
      found: `${(memory / 2 ** 20).toFixed(1)} MiB`,
      limit: `${(bytes.byteLength / 2 ** 20).toFixed(1)} MiB, the section`,
      goal: '≤ 10 MiB',
      met: memory <= 10 * 2 ** 20,
    },
  ]
}

/** The section, and serials that are in it, as fresh as those of certificates that peers show. */
function onRecord(): { bytes: Uint8Array; some: string[] } {
  const store = SqliteStore.open({ file: mesh.inventory, readOnly: true })
  const some: string[] = []
  for (const { number, serial } of store.revoked({ number: 0, time: 0 })) {
    if (number % 10 === 0) some.push(serial)
  }
  const bytes = new KeptSection(store).at(0)!.bytes.slice()
  store.close()
  return { bytes, some: some.map((serial) => Buffer.from(serial, 'hex').toString('hex')) }
}

function times(act: () => Promise<unknown>) {
  return async (count: number) => {
    for (let done = 0; done < count; done++) await act()
  }
}

function milliseconds({ median, low, high }: Measured): string {
  const [found, from, to] = [median, low, high].map((micros) => (micros / 1000).toPrecision(3))
  return `${found} ms of CPU (${from} to ${to})`
}

function nanoseconds({ median, low, high }: Measured): string {
  const [found, from, to] = [median, low, high].map((micros) => (micros * 1000).toFixed(0))
  return `${found} ns (${from} to ${to})`
}
