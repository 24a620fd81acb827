import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { layoutOf, parseConfig } from '@datapunk/protocol'
import { atEnd } from '@datapunk/testkit'
import type { ToResponder } from './messages.ts'
import { Responder } from './responder.ts'

/** A process that ends as soon as it is told to. */
class FakeProcess extends EventEmitter {
  readonly connected = true
  readonly said: ToResponder[] = []

  send(message: ToResponder): void {
    this.said.push(message)
  }

  kill(): void {
    this.emit('exit')
  }
}

const configOf = (settings: string) =>
  parseConfig(`{ services: { lake: {} }, ${settings} }`, { file: '/mesh/mtls-config.yaml' })
const at = (port: number) => `authority: { http: "127.0.0.1:${port}" }`

test('the process that answers is another one where the config says so, and none where it says none', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const started: FakeProcess[] = []
  const responder = new Responder({
    layout: layoutOf(configOf(at(1))),
    clock: Date.now,
    report: () => {},
    start: () => {
      started.push(new FakeProcess())
      return started.at(-1) as unknown as ChildProcess
    },
    inTurn: () => assert.fail('nobody asks'),
  })
  atEnd(t, () => responder.close())
  const served = () =>
    started.map(({ said }) => {
      const [first] = said
      return first?.type === 'start' ? [first.port, first.answersLive / 86_400_000] : undefined
    })

  responder.configure(configOf('authority: { http: none }'))
  assert.deepEqual(served(), [])
  responder.configure(configOf(at(1)))
  responder.configure(configOf(at(1)))
  assert.deepEqual(served(), [[1, 3]])

  responder.configure(configOf(`${at(2)}, revocation: { ocsp_days: 5 }`))
  t.mock.timers.tick(1_000)
  assert.deepEqual(served(), [
    [1, 3],
    [2, 5],
  ])

  // It ends by itself, and before it is started again the config says otherwise once more.
  started.at(-1)!.kill()
  responder.configure(configOf(at(3)))
  t.mock.timers.tick(1_000)
  assert.deepEqual(served(), [
    [1, 3],
    [2, 5],
    [3, 3],
  ])

  responder.configure(configOf('authority: { http: none }'))
  t.mock.timers.tick(10_000)
  assert.equal(started.length, 3)
})
