import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeRevokedEntry, RevokedEntries } from '@datapunk/pki'
import { encodeRevoked } from '@datapunk/protocol'
import fc from 'fast-check'
import type { RevokedAfter, RevokedCertificate } from '../store/rows.ts'
import { KeptEntries } from './kept-entries.ts'
import { KeptSection } from './kept-section.ts'
import { lastOctet, shardIndex } from './list-url.ts'

/** What the inventory says of revocations, and nothing else. */
class Revocations {
  readonly rows: RevokedCertificate[] = []
  /** How many rows were read. */
  read = 0
  /** The number of a row that the disk refuses to read. */
  unreadable: number | undefined;

  *revoked({ number, time, slot }: RevokedAfter): Iterable<RevokedCertificate> {
    for (const row of this.rows.slice(number)) {
      if (row.notAfter <= time || (slot !== undefined && row.slot !== slot)) continue
      if (row.number === this.unreadable) throw new Error('disk I/O error')
      this.read++
      yield row
    }
  }
}

const second = 1000
const start = Date.UTC(2026, 0, 1)
const serialOf = (n: number) => `40${n.toString(16).padStart(14, '0')}`.padEnd(32, '0')
const serial = fc
  .tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 255 }))
  .map(
    ([first, last]) =>
      `${first.toString(16).padStart(2, '0')}${'5a'.repeat(14)}${last.toString(16).padStart(2, '0')}`,
  )
const step = fc.oneof(
  fc.record({
    kind: fc.constant('revoke' as const),
    serial,
    profile: fc.constantFrom('leaf' as const, 'authority' as const, 'issuing-ca' as const),
    slot: fc.constantFrom('issuing-ca-1', 'issuing-ca-2'),
    reason: fc.constantFrom('unspecified' as const, 'superseded' as const),
    life: fc.integer({ min: 1, max: 20 }),
  }),
  fc.record({ kind: fc.constant('wait' as const), seconds: fc.integer({ min: -3, max: 8 }) }),
  fc.record({ kind: fc.constant('restart' as const) }),
)

describe('what is kept encoded', () => {
  test('is what encoding from scratch gives, whatever is revoked, ends, and restarts, and however clocks go', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const store = new Revocations()
        let [section, entries] = [new KeptSection(store), new KeptEntries(store, 'issuing-ca-1')]
        let now = start
        for (const one of steps) {
          if (one.kind === 'wait') now += one.seconds * second
          else if (one.kind === 'restart') {
            section = new KeptSection(store)
            entries = new KeptEntries(store, 'issuing-ca-1')
          } else {
            const { kind, life, ...row } = one
            const times = { at: now, notAfter: now + life * second }
            store.rows.push({ ...row, ...times, number: store.rows.length + 1 })
          }
          const left = store.rows.filter(({ notAfter }) => notAfter > now)
          const leaves = left.filter(({ profile }) => profile !== 'issuing-ca')
          const bytes = section.at(now)?.bytes ?? new Uint8Array()
          assert.deepEqual(Buffer.from(bytes), Buffer.from(encodeRevoked(leaves.map((row) => row.serial))))
          const thisUpdate = now - second
          for (const shard of [undefined, { index: 0, shards: 3 }, { index: 2, shards: 3 }]) {
            for (const number of [0, 2]) {
              const found = entries.from(now - second).select({ number, time: now, thisUpdate }, shard)
              const wanted = left.filter((row) => row.number > number && isListed(row, shard))
              const encoded = wanted.map((row) => entryOf(row, thisUpdate))
              assert.deepEqual(textsOf(found), textsOf(encoded.map((entry) => new RevokedEntries(entry))))
              assert.deepEqual(summaryOf(found), summaryOf([new RevokedEntries(Buffer.concat(encoded))]))
            }
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  test('is not read again: a look that finds nothing new reads no row, and one revocation is one row', () => {
    const store = new Revocations()
    const add = (n: number) =>
      store.rows.push({
        ...{
          number: n,
          serial: serialOf(n),
          profile: 'leaf',
          slot: 'issuing-ca-1',
        },
        ...{ reason: 'superseded', at: start, notAfter: start + second * n },
      })
    for (let n = 1; n <= 1000; n++) add(n)
    const [section, entries] = [new KeptSection(store), new KeptEntries(store, 'issuing-ca-1')]
    const first = section.at(start)
    entries.from(start)
    assert.equal(store.read, 2000)
    assert.equal(section.at(start + 999), first, 'the same object')
    assert.notEqual(section.at(start + second), first)
    entries.from(start + second)
    assert.equal(store.read, 2000)
    add(1001)
    assert.equal(section.at(start + second)?.bytes.byteLength, 8 * 1000)
    entries.from(start + second)
    assert.equal(store.read, 2002)
  })

  test('leaves nothing out after a look that failed in the middle, also one at an earlier time', () => {
    const store = new Revocations()
    for (let n = 1; n <= 5; n++) {
      const row = { number: n, serial: serialOf(n), profile: 'leaf', slot: 'issuing-ca-1' } as const
      store.rows.push({ ...row, reason: 'superseded', at: start, notAfter: start + second * n })
    }
    const [section, entries] = [new KeptSection(store), new KeptEntries(store, 'issuing-ca-1')]
    const looks = [
      (time: number) => section.at(time)!.bytes.byteLength / 8,
      (time: number) => summaryOf(entries.from(time).select({ number: 0, time, thisUpdate: start })).count,
    ]
    for (const left of looks) {
      for (const time of [start + 2 * second, start]) {
        store.unreadable = 4
        assert.throws(() => left(time), /disk I\/O error/)
        store.unreadable = undefined
        assert.equal(left(time), time === start ? 5 : 3)
      }
    }
  })

  test('is in the order of recording, until a shard is asked for', () => {
    const store = new Revocations()
    const numbers = [9, 3, 200, 3, 0]
    for (const [index, last] of numbers.entries()) {
      const serial = `0${index + 1}${'00'.repeat(14)}${last.toString(16).padStart(2, '0')}`
      const row = { number: index + 1, serial, profile: 'leaf', slot: 'issuing-ca-1' } as const
      store.rows.push({ ...row, reason: 'superseded', at: start, notAfter: start + second })
    }
    const entries = new KeptEntries(store, 'issuing-ca-1')
    const listed = (shard?: { index: number; shards: number }) =>
      entries
        .from(start)
        .select({ number: 0, time: start, thisUpdate: start }, shard)
        .flatMap((piece) => [...piece].map(({ serial }) => serial.at(-1)))
    assert.deepEqual(listed(), numbers)
    assert.deepEqual(listed({ index: 0, shards: 2 }), [0, 3, 3, 9])
    assert.deepEqual(listed({ index: 1, shards: 2 }), [200])
    assert.equal(entries.from(start).lastOf({ index: 0, shards: 2 }), 5)
    assert.deepEqual(listed(), [0, 3, 3, 9, 200])
  })

  test('lets go of what has ended, and reads anew for a time before', () => {
    const store = new Revocations()
    for (let n = 1; n <= 10; n++) {
      store.rows.push({
        ...{
          number: n,
          serial: serialOf(n),
          profile: 'leaf',
          slot: 'issuing-ca-1',
        },
        ...{ reason: 'superseded', at: start, notAfter: start + second * n },
      })
    }
    const entries = new KeptEntries(store, 'issuing-ca-1')
    const left = (time: number) =>
      summaryOf(entries.from(time).select({ number: 0, time: 0, thisUpdate: start })).count
    assert.deepEqual([left(start), left(start + 6 * second), store.read], [10, 4, 10])
    assert.deepEqual([left(start + 5 * second), store.read], [5, 15])
  })
})

function isListed({ slot, serial }: RevokedCertificate, shard?: { index: number; shards: number }): boolean {
  if (slot !== 'issuing-ca-1') return false
  return shard === undefined || shardIndex(lastOctet(serial), shard.shards) === shard.index
}

/** In whatever order: which shards were asked for decides it. */
function textsOf(entries: readonly RevokedEntries[]): string[] {
  const each = entries.flatMap((piece) => [...piece])
  return each.map((entry) => JSON.stringify({ ...entry, serial: [...entry.serial] })).sort()
}

function summaryOf(entries: readonly RevokedEntries[]) {
  return {
    count: entries.reduce((sum, { count }) => sum + count, 0),
    latest: Math.max(...entries.map(({ latest }) => latest)),
    reasons: new Set(entries.flatMap(({ reasons }) => [...reasons])),
  }
}

function entryOf({ serial, at, reason }: RevokedCertificate, thisUpdate: number): Uint8Array {
  const pki = reason === 'superseded' ? 'superseded' : 'unspecified'
  return encodeRevokedEntry({ serial: Buffer.from(serial, 'hex'), at: Math.min(at, thisUpdate), reason: pki })
}
