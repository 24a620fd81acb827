import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FixedClock } from '@datapunk/testkit'
import { MemoryStore } from '../store/memory.ts'
import { AcknowledgementLog } from './acknowledgement-log.ts'

const said = (counter: number) => ({
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
  return { log, found }
}

test('whoever leaves while what it said last is being written has said it', async () => {
  const { log, found } = await prepare()
  log.add(said(1))
  await log.write()
  log.add(said(2))
  const writing = log.write()
  log.left('lake')
  await log.write()
  await writing
  assert.deepEqual(found(), [[2, 1000]])
})

test('whoever comes again, or says something, has not left', async () => {
  const { log, found } = await prepare()
  log.add(said(1))
  log.left('lake')
  await log.write()
  assert.deepEqual(found(), [[1, 1000]])
  log.came('lake')
  await log.write()
  assert.deepEqual(found(), [[1, undefined]])
  log.left('lake')
  log.add(said(2))
  await log.write()
  assert.deepEqual(found(), [[2, undefined]])
})

test('of whoever has never said anything nothing is kept', async () => {
  const { log, found } = await prepare()
  log.left('lake')
  await log.write()
  assert.deepEqual(found(), [])
})
