import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FixedClock } from '@datapunk/testkit'
import { MemoryStore } from '../store/memory.ts'
import { AcknowledgementLog } from './acknowledgement-log.ts'

const acknowledgement = (counter: number) => ({
  ...{ instance: 'lake', generation: 1, counter, trustStatement: { generation: 1, counter: 1 } },
  ...{ serial: '01', at: counter, document: Uint8Array.of(counter), leftAt: undefined },
})

async function prepare() {
  const store = new MemoryStore()
  const clock = new FixedClock(1000)
  await store.write((transaction) => {
    const of = { service: 'lake', since: 0 }
    transaction.putService({
      ...of,
      spiffeId: 'spiffe://x/lake',
      state: 'member',
      settings: '{}',
      barredAt: undefined,
    })
    transaction.putInstance({ ...of, id: 'lake', place: 'here', held: undefined })
  })
  const log = new AcknowledgementLog({ store, clock: clock.now, report: () => {} })
  const found = () => store.acknowledgements().map(({ counter, leftAt }) => [counter, leftAt])
  return { log, store, found }
}

test('whoever leaves while what it said last is being written has said it', async () => {
  const { log, found } = await prepare()
  log.add(acknowledgement(1))
  await log.write()
  log.add(acknowledgement(2))
  const writing = log.write()
  log.left('lake')
  await log.write()
  await writing
  assert.deepEqual(found(), [[2, 1000]])
})

test('whoever comes again, or says something, has not left', async () => {
  const { log, found } = await prepare()
  log.add(acknowledgement(1))
  log.left('lake')
  await log.write()
  assert.deepEqual(found(), [[1, 1000]])
  log.came('lake')
  await log.write()
  assert.deepEqual(found(), [[1, undefined]])
  log.left('lake')
  log.add(acknowledgement(2))
  await log.write()
  assert.deepEqual(found(), [[2, undefined]])
})

test('whatever is said is on record in a moment, without anybody asking for it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { log, store, found } = await prepare()
  const said: readonly (readonly [say: () => void, found: unknown])[] = [
    [() => log.add(acknowledgement(1)), [[1, undefined]]],
    [() => log.left('lake'), [[1, 1000]]],
    [() => log.came('lake'), [[1, undefined]]],
  ]
  for (const [say, expected] of said) {
    say()
    t.mock.timers.tick(1000)
    // Whoever writes after it finds it written.
    await store.write(() => {})
    assert.deepEqual(found(), expected)
  }
})

test('of whoever has never said anything nothing is kept', async () => {
  const { log, found } = await prepare()
  log.left('lake')
  await log.write()
  assert.deepEqual(found(), [])
})
