import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SessionStore } from './session-store.ts'

const leaf = { fingerprint256: 'AA', raw: Buffer.of(1) }
const kept = (byte: number) => ({ session: Buffer.of(byte), leaf })

describe('SessionStore', () => {
  test('gives the newest first, each once', () => {
    const store = new SessionStore()
    store.put('lake', kept(1))
    store.put('lake', kept(2))
    assert.deepEqual(
      [store.take('lake'), store.take('lake'), store.take('lake')],
      [kept(2), kept(1), undefined],
    )
  })

  test('gives nothing of another server', () => {
    const store = new SessionStore()
    store.put('lake', kept(1))
    assert.equal(store.take('stream'), undefined)
  })

  test('keeps four a server', () => {
    const store = new SessionStore()
    for (let byte = 0; byte < 6; byte++) store.put('lake', kept(byte))
    const taken = Array.from({ length: 5 }, () => store.take('lake')?.session[0])
    assert.deepEqual(taken, [5, 4, 3, 2, undefined])
  })

  test('forgets the server that was unused longest', () => {
    const store = new SessionStore()
    for (let server = 0; server < 1025; server++) {
      store.put(String(server), kept(1))
      if (server === 1000) store.put('0', kept(2))
    }
    assert.equal(store.take('1'), undefined)
    assert.deepEqual(store.take('0'), kept(2))
    assert.deepEqual(store.take('1024'), kept(1))
  })
})
