import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { layoutOf, parseConfig } from '@datapunk/protocol'
import { atEnd } from '@datapunk/testkit'
import type { ToResponder } from './messages.ts'
import { ResponderProcess } from './responder-process.ts'

/** A process that ends as soon as it is told to. */
class FakeProcess extends EventEmitter {
  readonly pid: number | undefined = 1
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
  const responder = new ResponderProcess({
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

test('a process that answers and can’t even be started is told of once, and tried again; nobody waits for its end', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const failures: string[] = []
  const starts: (() => FakeProcess)[] = []
  const responder = new ResponderProcess({
    layout: layoutOf(configOf(at(1))),
    clock: Date.now,
    report: (event) => event.kind === 'status-failed' && failures.push(event.detail.error),
    start: () => starts.shift()!() as unknown as ChildProcess,
    inTurn: () => assert.fail('nobody asks'),
  })
  const stillborn = () => Object.assign(new FakeProcess(), { pid: undefined, connected: false })
  const [first, second, last] = [stillborn(), new FakeProcess(), stillborn()]
  starts.push(
    () => first,
    () => {
      throw new Error('spawn ENOMEM')
    },
    () => second,
    () => last,
  )

  responder.configure(configOf(at(1)))
  first.emit('error', new Error('spawn ENOMEM'))
  t.mock.timers.tick(1_000)
  t.mock.timers.tick(1_000)
  assert.deepEqual(starts.length, 1)
  assert.equal(failures.length, 1)
  assert.match(failures[0]!, /served to nobody \(spawn ENOMEM\); allowed: memory/)
  assert.equal(second.said[0]?.type, 'start')

  second.emit('message', { type: 'listening', port: 1 })
  second.kill()
  t.mock.timers.tick(1_000)
  last.emit('error', new Error('spawn ENOMEM'))
  assert.equal(failures.length, 2)
  await responder.close()
})
