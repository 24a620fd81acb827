import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import type { AuthorityEvent } from '@datapunk/authority'
import { atEnd } from '@datapunk/testkit'
import { OperatorDoor } from './operator-door.ts'

const source = {
  metrics: async () => ({ type: 'text/plain', text: '' }),
  sickness: () => undefined,
  unreadiness: () => undefined,
}

test('a port that is taken is told of once, tried again, and taken when it is free', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const told: AuthorityEvent[] = []
  let heard = Promise.withResolvers<void>()
  const report = (event: AuthorityEvent) => {
    told.push(event)
    heard.resolve()
  }
  const door = new OperatorDoor({ source, clock: () => 7, report })
  atEnd(t, () => door.close())

  door.moveTo({ host: '127.0.0.1', port })
  await heard.promise
  assert.deepEqual([told[0]?.kind, told[0]?.at], ['metrics-failed', 7])
  assert.match(
    told[0]?.kind === 'metrics-failed' ? told[0].detail.error : '',
    /found 127\.0\.0\.1:\d+ not to be had \(EADDRINUSE\).*change authority\.metrics/,
  )

  other.close()
  await once(other, 'close')
  heard = Promise.withResolvers()
  t.mock.timers.tick(10_000)
  await heard.promise
  assert.deepEqual(
    told.map(({ kind }) => kind),
    ['metrics-failed', 'metrics-served'],
  )
  assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200)

  // The same again is no change; nowhere is.
  door.moveTo({ host: '127.0.0.1', port })
  await door.close()
  await assert.rejects(fetch(`http://127.0.0.1:${port}/readyz`))
  assert.equal(told.length, 2)
})
