import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { beforeEach, describe, test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import type { ListRow } from '../store/rows.ts'
import { ListShelf } from './list-shelf.ts'
import { statusServer } from './status-server.ts'

describe('revocation lists that are served', () => {
  const path = (slot: string) => `/crl/${slot.repeat(16)}.crl`
  let rows: Map<string, ListRow>
  let read: string[]

  const store = {
    slots: () => [...rows.keys()].map((id) => ({ id, spkiHash: id.repeat(64) })),
    lists: () => [...rows.values()].map(({ der, ...head }) => head),
    list(slot: string) {
      read.push(slot)
      return rows.get(slot)
    },
  }
  const shelfOf = (maxKept?: number) => new ListShelf(store as never, maxKept)
  const put = (slot: string, number: number, size = 100) => {
    const times = { thisUpdate: 0, nextUpdate: 1000 }
    const row = { slot, scope: '', number, ...times, revocations: 0, base: undefined }
    rows.set(slot, { ...row, der: Buffer.alloc(size, number) })
  }

  beforeEach(() => {
    rows = new Map()
    read = []
    put('a', 1)
  })

  test('are read once, until there is another', async (t) => {
    const server = statusServer({ store, clock: () => 0 } as never)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    atEnd(t, () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    })
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path('a')}`
    const ask = async (method: string, had = '') => {
      const answer = await fetch(url, { method, headers: { 'if-none-match': had } })
      const { length } = new Uint8Array(await answer.arrayBuffer())
      return { status: answer.status, length, of: (name: string) => answer.headers.get(name) ?? '' }
    }
    const head = await ask('HEAD')
    assert.deepEqual([head.status, head.length, head.of('content-length')], [200, 0, '100'])
    const first = await ask('GET')
    assert.deepEqual([first.status, first.length, first.of('etag')], [200, 100, head.of('etag')])
    for (const method of ['GET', 'HEAD']) assert.equal((await ask(method, first.of('etag'))).status, 304)
    assert.deepEqual(read, ['a'])

    put('a', 2)
    const next = await ask('GET', first.of('etag'))
    assert.deepEqual([next.status, next.length], [200, 100])
    assert.notEqual(next.of('etag'), first.of('etag'))
    assert.deepEqual(read, ['a', 'a'])
    rows.clear()
    assert.equal((await ask('GET')).status, 404)
  })

  test('are kept as far as there is room; what is said of them always is', () => {
    const shelf = shelfOf(250)
    for (const slot of ['b', 'c']) put(slot, 1)
    put('d', 1, 1000)
    const whole = (slot: string) => shelf.whole(shelf.find(path(slot))!)!.der.byteLength
    assert.deepEqual(['a', 'b', 'a', 'c'].map(whole), [100, 100, 100, 100])
    assert.deepEqual(read, ['a', 'b', 'c'])
    // The one that was asked for least lately had to go.
    assert.deepEqual(['a', 'c', 'b'].map(whole), [100, 100, 100])
    assert.deepEqual(read, ['a', 'b', 'c', 'b'])
    assert.equal(whole('d'), 1000)
    read.length = 0
    for (const slot of ['a', 'b', 'c', 'd']) shelf.find(path(slot))
    assert.deepEqual(read, [])
  })

  test('are the newest, also where another was made between a look and the next', () => {
    const shelf = shelfOf(10)
    const found = shelf.find(path('a'))!
    put('a', 2)
    const { list, der } = shelf.whole(found)!
    assert.deepEqual([list.head.number, der[0]], [2, 2])
    rows.clear()
    assert.equal(shelf.whole(list), undefined)
    assert.equal(shelf.find(path('a')), undefined)
  })
})
