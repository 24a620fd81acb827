import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atEnd, Ending } from './ending.ts'

/** Deeds that note their names, of which `failing` throw. */
function noted(failing: readonly string[] = []) {
  const done: string[] = []
  const deed = (name: string) => async () => {
    await Promise.resolve()
    done.push(name)
    if (failing.includes(name)) throw new Error(name)
  }
  return { done, deed }
}

test('what was put up last is taken down first', async () => {
  const { done, deed } = noted()
  const ending = new Ending()
  for (const name of ['folder', 'server', 'client']) ending.add(deed(name))
  await ending.end()
  assert.deepEqual(done, ['client', 'server', 'folder'])
})

test('all of it is taken down where some of it fails, and the failure is told', async () => {
  const { done, deed } = noted(['server'])
  const ending = new Ending()
  for (const name of ['folder', 'server', 'client']) ending.add(deed(name))
  await assert.rejects(ending.end(), /server/)
  assert.deepEqual(done, ['client', 'server', 'folder'])
})

test('a test that is over takes down what belongs to it, and nothing else', async () => {
  const { done, deed } = noted()
  const after: (() => Promise<void>)[] = []
  const [one, other] = [{ after: (end: () => Promise<void>) => after.push(end) }, { after() {} }]
  atEnd(one, deed('folder'))
  atEnd(other, deed('another’s'))
  atEnd(one, deed('server'))
  assert.equal(after.length, 1)
  await after[0]?.()
  assert.deepEqual(done, ['server', 'folder'])
})
