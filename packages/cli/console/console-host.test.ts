import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { execPath } from 'node:process'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { AuthorityEvent } from '@datapunk/authority'
import { parseConfig } from '@datapunk/protocol'
import { FixedClock } from '@datapunk/testkit'
import { ConsoleHost } from './console-host.ts'

const AT_ONCE = 'process.exit(3)'
const SERVES = `process.on('message', ({ type, address }) => {
  if (type === 'serve') process.send({ type: 'served', url: 'http://127.0.0.1:' + address.port })
})`
/** Tells more of its troubles than anybody reads, and then serves. */
const COMPLAINS = `process.on('message', ({ type }) => {
  if (type !== 'serve') return
  for (let count = 0; count < 1000; count++) {
    process.send({ type: 'refused', rule: 'REVOKED', message: '', serial: '0', remote: '127.0.0.1:1' })
    process.send({ type: 'sessions-failed', message: '' })
  }
  process.send({ type: 'served', url: 'http://127.0.0.1:7483' })
})`
const place = { file: '/etc/datapunk/mtls-config.yaml', environment: undefined, root: undefined }

let clock: FixedClock
let command: string
let program: string
let started: ChildProcess[]
let events: AuthorityEvent[]
let told: PromiseWithResolvers<void>
/** What is to be done later. */
let waiting: Set<object>
let host: ConsoleHost

beforeEach(() => {
  clock = new FixedClock()
  command = execPath
  program = AT_ONCE
  started = []
  events = []
  told = Promise.withResolvers()
  waiting = new Set()
  host = new ConsoleHost({
    ...{ place, clock: clock.now },
    after(delay, call) {
      const one = {}
      waiting.add(one)
      const takeBack = clock.after(delay, () => {
        waiting.delete(one)
        call()
      })
      return () => {
        waiting.delete(one)
        takeBack()
      }
    },
    certify: () => Promise.reject(new TypeError('nobody asks for that here')),
    report(event) {
      events.push(event)
      told.resolve()
      told = Promise.withResolvers()
    },
    start() {
      const child = spawn(command, ['-e', program], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
      started.push(child)
      return child
    },
  })
})

afterEach(() => host.close())

/** As the config file says it. */
function moveTo(address: string): void {
  const text = JSON.stringify({ services: { lake: {} }, authority: { console: address } })
  host.moveTo(parseConfig(text, { file: place.file }))
}

/** The last one. */
const ended = async () => void (await once(started.at(-1)!, 'exit'))
const failures = () =>
  events.filter((event) => event.kind === 'console-failed').map(({ detail }) => detail.error)

describe('a process of the console that ends before it serves', () => {
  test('is started again after twice as long each time, up to a minute', async () => {
    moveTo('127.0.0.1:7483')
    for (const wait of [1, 2, 4, 8, 16, 32, 60, 60]) {
      await ended()
      const before = started.length
      clock.advance(wait * 1000 - 1)
      assert.equal(started.length, before)
      clock.advance(1)
      assert.equal(started.length, before + 1)
    }
  })

  test('is told once, with how it ended and what to do', async () => {
    moveTo('127.0.0.1:7483')
    for (const wait of [1, 2, 4]) {
      await ended()
      clock.advance(wait * 1000)
    }
    await ended()
    assert.equal(failures().length, 1)
    assert.match(
      String(failures()[0]),
      /before it served \(exit code 3\); why is on the standard error of `mtls up`/,
    )
    await assert.rejects(async () => host.link({ readOnly: false }), {
      code: 'NO_CONSOLE',
      message: /exit code 3/,
    })
    program = 'process.exit(4)'
    clock.advance(8000)
    await ended()
    assert.deepEqual(
      failures().map((failure) => /exit code \d/.exec(String(failure))?.[0]),
      ['exit code 3', 'exit code 4'],
    )
  })

  test('is started at once where the config names another place, and never where it says none', async () => {
    moveTo('127.0.0.1:7483')
    await ended()
    moveTo('127.0.0.1:7484')
    assert.equal(started.length, 2)
    await ended()
    moveTo('none')
    clock.advance(60_000)
    assert.equal(started.length, 2)
  })
})

describe('a process of the console that can’t even be started', () => {
  test('is told, and tried again', async () => {
    command = '/nowhere/node'
    moveTo('127.0.0.1:7483')
    await told.promise
    assert.match(String(failures()[0]), /before it served \(spawn .*ENOENT\)/)
    clock.advance(1000)
    assert.equal(started.length, 2)
  })

  test('also where the system says so at once', async () => {
    // A command with a NUL in it is refused before anything is tried, as a want of memory is.
    command = 'node\0'
    moveTo('127.0.0.1:7483')
    assert.match(String(failures()[0]), /before it served/)
    command = execPath
    clock.advance(1000)
    assert.equal(started.length, 1)
  })
})

describe('a process of the console that serves', () => {
  beforeEach(async () => {
    program = SERVES
    moveTo('127.0.0.1:7483')
    await told.promise
  })

  test('and is asked to end, as with all of `mtls up`, is no failure; should that go on, there is another', async () => {
    process.kill(started.at(-1)!.pid!, 'SIGTERM')
    await ended()
    assert.deepEqual(failures(), [])
    clock.advance(1000)
    assert.equal(started.length, 2)
  })

  test('and is killed is told each time, and started again', async () => {
    for (const wait of [1, 2]) {
      process.kill(started.at(-1)!.pid!, 'SIGKILL')
      await ended()
      const served = told.promise
      clock.advance(wait * 1000)
      await served
    }
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['console-served', 'console-failed', 'console-served', 'console-failed', 'console-served'],
    )
    assert.match(String(failures()[0]), /has ended \(SIGKILL\)/)
  })

  test('for a minute is started again after a second, however often it failed before', async () => {
    for (const _ of [1, 2]) {
      clock.advance(60_000)
      process.kill(started.at(-1)!.pid!, 'SIGKILL')
      await ended()
      const served = told.promise
      clock.advance(1000)
      await served
    }
    assert.equal(started.length, 3)
  })

  test('goes on where the config says the same again, and moves where it says another place', async () => {
    moveTo('127.0.0.1:7483')
    const served = told.promise
    moveTo('127.0.0.1:7484')
    await served
    assert.deepEqual(
      events.map(({ detail }) => 'url' in detail && detail.url),
      ['http://127.0.0.1:7483', 'http://127.0.0.1:7484'],
    )
  })

  test('and is started again gives no link meanwhile', async () => {
    process.kill(started.at(-1)!.pid!, 'SIGTERM')
    await ended()
    await assert.rejects(async () => host.link({ readOnly: false }), {
      code: 'NO_CONSOLE',
      message: /being started/,
    })
  })

  test('and is closed leaves nothing to be done later', async () => {
    await host.close()
    assert.equal(waiting.size, 0)
  })

  test('ends where the config says none, and that is no failure', async () => {
    const end = ended()
    moveTo('none')
    await end
    clock.advance(60_000)
    assert.deepEqual([started.length, failures()], [1, []])
    await assert.rejects(async () => host.link({ readOnly: false }), {
      code: 'NO_CONSOLE',
      message: /authority\.console: none/,
    })
  })
})

test('a process of the console that tells of very much fills no log', async () => {
  program = COMPLAINS
  moveTo('127.0.0.1:7483')
  while (events.at(-1)?.kind !== 'console-served') await told.promise
  const { 'operator-refused': refused = [], 'console-sessions-failed': failed = [] } = Object.groupBy(
    events,
    ({ kind }) => kind,
  )
  assert.ok(refused.length > 0 && failed.length > 0)
  assert.ok(events.length < 200, `${events.length} events`)
})
