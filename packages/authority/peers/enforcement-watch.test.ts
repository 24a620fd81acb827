import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { PeerBook } from '../engine/peer-book.ts'
import type { AuthorityEvent } from '../events/event.ts'
import type { MemoryStore } from '../store/memory.ts'
import { EnforcementWatch } from './enforcement-watch.ts'

test('a bundle is enforced by as many peers as there may be', async () => {
  const number = { generation: 1, counter: 1 }
  const peer = { service: 'lake', revoked: false, acknowledged: { at: 7 } }
  // More than can be arguments of one call.
  const live = Array<unknown>(200_000).fill(peer)
  const { promise, resolve } = Promise.withResolvers<AuthorityEvent>()
  const watch = new EnforcementWatch({
    store: { bundle: () => ({ ...number, issuedAt: 2 }) } as unknown as MemoryStore,
    peers: {
      live: () => live,
      lateFor: () => [],
      onChange: (listener: () => void) => {
        listener()
        return () => {}
      },
    } as unknown as PeerBook,
    report: resolve,
  })
  watch.start()
  assert.deepEqual((await promise).detail, { number: '1.1', peers: live.length, after: 5 })
  watch.stop()
})

test('a bundle is enforced, once, when all live peers say so; those that are revoked say nothing of it', async () => {
  const number = { generation: 1, counter: 1 }
  const issuedAt = Date.UTC(2026, 5, 1)
  const peers = new PeerBook(() => issuedAt + 250)
  const events: AuthorityEvent[] = []
  const store = {
    bundle: () => ({ ...number, head: new Uint8Array(), issuedAt, expiresAt: issuedAt + 1000 }),
  }
  const report = (event: AuthorityEvent) => void events.push(event)
  const watch = new EnforcementWatch({ store: store as unknown as MemoryStore, peers, report })
  watch.start()

  const lake = { service: 'lake', instance: 'lake', version: '1' }
  const acknowledge = (peer: string) =>
    peers.acknowledged(peer, { number, trustStatement: number, serial: '02', revoked: false })
  const told = async () => {
    await setImmediate()
    await setImmediate()
    return events.length
  }
  peers.arrived({ ...lake, peer: 'one', serial: '01', revoked: true })
  assert.equal(await told(), 0)
  for (const peer of ['two', 'three']) peers.arrived({ ...lake, peer, serial: '02', revoked: false })
  assert.equal(await told(), 0)
  acknowledge('two')
  assert.equal(await told(), 0)
  acknowledge('three')
  assert.equal(await told(), 1)
  acknowledge('three')
  assert.equal(await told(), 1)
  watch.stop()
  assert.deepEqual(events, [
    {
      ...{ kind: 'bundle-enforced', subject: 'mesh', at: issuedAt + 250 },
      detail: { number: '1.1', peers: 2, after: 250 },
    },
  ])
})

test('whoever has stopped watching looks no more', async () => {
  const peers = new PeerBook(() => 0)
  const store = {
    bundle: () => assert.fail('looked'),
  }
  const watch = new EnforcementWatch({ store: store as unknown as MemoryStore, peers, report: () => {} })
  watch.start()
  peers.arrived({
    ...{ service: 'lake', instance: 'lake', version: '1', peer: 'one' },
    ...{ serial: '01', revoked: false },
  })
  watch.stop()
  await setImmediate()
  await setImmediate()
})
