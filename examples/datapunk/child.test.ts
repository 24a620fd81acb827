import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { Child } from './child.ts'

function start(code: string, onLine: (line: string) => void = () => {}): Child {
  return new Child({ name: 'child', args: ['-e', code], env: process.env, onLine })
}

test('it is ready when it says so, and stops when asked', async () => {
  const lines: string[] = []
  const child = start(
    "process.on('SIGTERM', () => { console.log('bye'); process.exit(0) }); setInterval(() => {}, 1000); console.error('ready: here')",
    (line) => lines.push(line),
  )
  assert.equal(await child.ready, 'here')
  await child.stop(60_000)
  assert.equal(await child.ended, 'ended with code 0')
  assert.deepEqual(lines, ['ready: here', 'bye'])
})

test('one that does not stop is killed', async () => {
  const child = start("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('ready: x')")
  await child.ready
  await child.stop(1)
  assert.equal(await child.ended, 'ended by signal 9')
})

test('one whose parent is gone is asked to end', async () => {
  const child = fork('', [], {
    execArgv: [
      ...['--import', import.meta.resolve('./end-with-parent.ts')],
      ...['-e', "setInterval(() => {}, 1000); process.send('running')"],
    ],
  })
  await once(child, 'message')
  child.disconnect()
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGTERM'])
})

test('the channel to its parent keeps nobody alive', async () => {
  const child = start("console.log('ready: soon done')")
  assert.equal(await child.ended, 'ended with code 0')
})

test('one that ends by itself says how, with its last words read', async () => {
  const lines: string[] = []
  const child = start("console.log('last'); process.exitCode = 3", (line) => lines.push(line))
  assert.equal(await child.ended, 'ended with code 3')
  assert.deepEqual(lines, ['last'])
})
