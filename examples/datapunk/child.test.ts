import assert from 'node:assert/strict'
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

test('one that ends by itself says how, with its last words read', async () => {
  const lines: string[] = []
  const child = start("console.log('last'); process.exitCode = 3", (line) => lines.push(line))
  assert.equal(await child.ended, 'ended with code 3')
  assert.deepEqual(lines, ['last'])
})
