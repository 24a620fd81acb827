import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { run } from './run.ts'
import { WatchedWorld } from './testing/watched-world.ts'
import type { World } from './world.ts'

/** `mtls schema` whose stdout fails so. */
async function schemaTo(code: string) {
  const stdout = new Writable({ write: (_chunk, _, done) => done(Object.assign(new Error(code), { code })) })
  const watched = new WatchedWorld()
  const ending = await run(['schema'], { ...watched.world, stdout: stdout as unknown as World['stdout'] })
  return { ending, shown: watched.shown }
}

test('whoever has read enough is told nothing, and has what was asked for', async () => {
  assert.deepEqual(await schemaTo('EPIPE'), { ending: 0, shown: '' })
})

test('what can’t be written is told once, and is no success', async () => {
  const { ending, shown } = await schemaTo('ENOSPC')
  assert.equal(ending, 1)
  assert.match(shown, /^mtls: stdout can't be written \(ENOSPC\).* \[FILE_UNWRITABLE\]\n$/)
})

test('where an error comes from is told to whoever asks for it, down to its cause', async () => {
  const told = async (environment: World['environment']) => {
    const watched = new WatchedWorld()
    assert.equal(await run(['inspect', '/nowhere/file'], { ...watched.world, environment }), 1)
    return watched.shown
  }
  assert.doesNotMatch(await told({}), /\n +at |caused by/)
  assert.match(await told({ MTLS_DEBUG: '1' }), /\n +at [\s\S]*\ncaused by Error: ENOENT[^\n]*\n +at /)
})
