import { randomBytes, randomFillSync, sign, verify } from 'node:crypto'
import {
  type CheckedCrl,
  type CrlRequest,
  checkCrl,
  encodeRevokedEntry,
  parseCrl,
  RevokedEntries,
  signCrl,
} from '@datapunk/pki'
import { TestCa } from '@datapunk/testkit'
import { inTurns, type Measured, measured, ratio } from './measure.ts'
import { factor, microseconds, number, printRows, type Row } from './table.ts'

/**
 * Revocation lists of serials of 16 octets, each with a reason, P-256: made, read and asked, against the bare copy of the
 * octets, signature and check. Each is made of entries that were read before, but for the last.
 *
 *     taskset -c 0 node bench/crl.ts
 */
const MILLION = 1_000_000
const ca = await TestCa.create()
const { certificate: issuer, signer, privateKey } = ca.issuing
const usual = { issuer, number: 5, thisUpdate: ca.at, nextUpdate: ca.at + 86_400_000 }
const entries = encodedEntries(MILLION)
const entryLength = entries.length / MILLION

/** One entry, again and again, with random serials written over its own. */
function encodedEntries(count: number): Uint8Array {
  const serial = Uint8Array.of(1, ...new Uint8Array(15))
  const one = encodeRevokedEntry({ serial, at: ca.at, reason: 'superseded' })
  const all = new Uint8Array(one.length * count)
  for (let at = 0; at < all.length; at += one.length) {
    all.set(one, at)
    randomFillSync(all, at + 5, 15)
  }
  return all
}

function milliseconds({ median, low, high }: Measured): string {
  const [found, from, to] = [median, low, high].map((micros) => (micros / 1000).toPrecision(3))
  return `${found} ms (${from} to ${to})`
}

/** What making a list must cost: one copy of its octets, one signature, one check. */
function bare(length: number): void {
  const message = new Uint8Array(length)
  message.set(entries.subarray(0, length))
  const signature = sign('sha256', message, privateKey)
  if (!verify('sha256', message, privateKey, signature))
    throw new Error('a signature of this process is wrong')
}

async function made(
  what: string,
  length: number,
  count: number,
  goal: number,
  request: Partial<CrlRequest> = {},
): Promise<Row> {
  const some = entries.subarray(0, length * entryLength)
  const before = new RevokedEntries(entries.slice(0, some.length - entryLength))
  const costs = await inTurns(
    {
      make: async (count) => {
        for (let done = 0; done < count; done++) {
          const known = new RevokedEntries(some, [before])
          await signCrl({ ...usual, entries: [known], ...request }, signer)
        }
      },
      first: async (count) => {
        for (let done = 0; done < count; done++)
          await signCrl({ ...usual, entries: [new RevokedEntries(some)], ...request }, signer)
      },
      bare: (count) => {
        for (let done = 0; done < count; done++) bare(some.length)
      },
    },
    count,
  )
  const make = measured(costs.make)
  return {
    what,
    found: `${milliseconds(make)}; ${milliseconds(measured(costs.first))} where none had been read`,
    limit: `${milliseconds(measured(costs.bare))} copy, sign + verify`,
    ratio: factor(ratio(costs.bare, costs.make)),
    goal: `≤ ${goal} ms`,
    met: make.median <= goal * 1000,
  }
}

/** First of all, because the peak of a process never falls again. */
async function memory(): Promise<Row> {
  const before = process.memoryUsage.rss()
  const der = await signCrl({ ...usual, entries: [new RevokedEntries(entries)] }, signer)
  const peak = process.resourceUsage().maxRSS / 1024
  return {
    what: 'the same, memory of the process at its peak',
    found: `${number(peak)} MiB; ${number(before / 2 ** 20)} MiB before, with ${number(entries.length / 2 ** 20)} MiB of entries`,
    limit: `${number((entries.length + der.length) / 2 ** 20)} MiB, entries and list`,
    goal: '≤ 300 MiB',
    met: peak <= 300,
  }
}

async function read(): Promise<Row[]> {
  const der = await signCrl({ ...usual, entries: [new RevokedEntries(entries)] }, signer)
  const { tbs, signature } = parseCrl(der)
  const check = (): CheckedCrl => checkCrl(parseCrl(der), { issuer, at: ca.at })
  const costs = await inTurns(
    {
      check,
      first: () => check().statusOf(entries.subarray(4, 20), ca.at),
      bare: () => verify('sha256', tbs, privateKey, signature),
    },
    1,
  )
  const checked = check()
  const serials = Array.from({ length: 100_000 }, (_, index) =>
    entries.subarray(index * 10 * entryLength + 4).subarray(0, 16),
  )
  const others = Array.from({ length: 100_000 }, () => randomBytes(16))
  const ask = (list: readonly Uint8Array[]) => (count: number) => {
    for (let index = 0; index < count; index++) checked.statusOf(list[index]!, ca.at)
  }
  const lookups = await inTurns({ revoked: ask(serials), good: ask(others) }, 100_000)
  return [
    {
      what: 'a list of a million read and checked',
      found: milliseconds(measured(costs.check)),
      limit: `${milliseconds(measured(costs.bare))} verify`,
      ratio: factor(ratio(costs.bare, costs.check)),
    },
    { what: 'the same, and asked for the first serial', found: milliseconds(measured(costs.first)) },
    {
      what: 'a serial looked up in a million',
      found: `${microseconds(measured(lookups.good))} good, ${microseconds(measured(lookups.revoked))} revoked`,
    },
  ]
}

const peak = await memory()
printRows([
  await made('a list of a million revoked certificates', MILLION, 1, 500),
  peak,
  await made('one of 256 shards of a million: 3,906 entries', 3_906, 500, 0.5, {
    scope: { uri: 'http://a.b/7.crl' },
  }),
  await made('a shard of 256 entries', 256, 500, 0.5, { scope: { uri: 'http://a.b/7.crl' } }),
  await made('a delta of ten entries', 10, 500, 0.5, { base: 4 }),
  ...(await read()),
])
