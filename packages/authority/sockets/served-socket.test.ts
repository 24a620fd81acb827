import assert from 'node:assert/strict'
import { once } from 'node:events'
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { atEnd } from '@datapunk/testkit'
import { LOOK_EVERY, ServedSocket, type ServedSocketOptions } from './served-socket.ts'
import { byShortName } from './socket.ts'

type Told = Parameters<ServedSocketOptions['told']>[0]

/** A socket whose answers never end, at a clock that stands. */
async function served(t: TestContext, { folderName = 'f', isTaken = (): boolean => false } = {}) {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const above = mkdtempSync(join(tmpdir(), 'socket-'))
  atEnd(t, () => rmSync(above, { recursive: true }))
  const folder = join(above, folderName)
  const path = join(folder, 'a.sock')
  const answers: ServerResponse[] = []
  const server = createServer((_, response) => {
    answers.push(response)
    response.write('begun')
  })
  const all: string[] = []
  let next = Promise.withResolvers<Told>()
  const socket = await ServedSocket.open(server, {
    path,
    mode: 0o666,
    prepare: () => {
      if (isTaken()) throw new Error('it is somebody else’s')
      mkdirSync(folder, { recursive: true })
    },
    told: (happening) => {
      all.push(happening.kind)
      next.resolve(happening)
    },
  })
  atEnd(t, () => socket.close())
  /** What is told at the next look. */
  const looked = () => {
    next = Promise.withResolvers<Told>()
    t.mock.timers.tick(LOOK_EVERY)
    return next.promise
  }
  const connect = async (): Promise<IncomingMessage> => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    byShortName(path, (socketPath) =>
      request({ socketPath, agent: false }, resolve).on('error', reject).end(),
    )
    const answer = await promise
    answer.on('error', () => {})
    await once(answer, 'data')
    return answer
  }
  return { path, folder, answers, all, looked, connect }
}

test('a socket that was removed is made again, and whoever is connected stays so', async (t) => {
  const { path, answers, looked, connect } = await served(t)
  const before = await connect()
  rmSync(path)
  assert.deepEqual(await looked(), { kind: 'socket-renewed', detail: { path } })
  assert.equal(lstatSync(path).mode & 0o777, 0o666)
  await connect()
  answers[0]!.write('and goes on')
  assert.equal(String((await once(before, 'data'))[0]), 'and goes on')
})

test('so is one whose name is too long for an address', async (t) => {
  const { path, looked, connect } = await served(t, { folderName: 'f'.repeat(120) })
  rmSync(path)
  assert.equal((await looked()).kind, 'socket-renewed')
  await connect()
})

test('so is one that went with its folder, or has another file in its place', async (t) => {
  const { path, folder, looked, connect } = await served(t)
  renameSync(folder, `${folder}-moved`)
  assert.equal((await looked()).kind, 'socket-renewed')
  await connect()
  rmSync(path)
  writeFileSync(path, '')
  assert.equal((await looked()).kind, 'socket-renewed')
  await connect()
})

test('what stands in its way is told, and it is made when that is gone', async (t) => {
  const { path, looked, connect } = await served(t)
  rmSync(path)
  mkdirSync(path)
  const { kind, detail } = await looked()
  assert.equal(kind, 'socket-failed')
  assert.match(JSON.stringify(detail), /a\.sock: unlink failed with EISDIR; a folder lies/)
  rmSync(path, { recursive: true })
  assert.equal((await looked()).kind, 'socket-renewed')
  await connect()
})

test('one that is there is left alone, and what stands in the way of one that is not is told once', async (t) => {
  const { path, all, looked } = await served(t)
  const lookUnheard = async () => {
    t.mock.timers.tick(LOOK_EVERY)
    await setImmediate()
  }
  await lookUnheard()
  rmSync(path)
  mkdirSync(path)
  await looked()
  await lookUnheard()
  rmSync(path, { recursive: true })
  await looked()
  assert.deepEqual(all, ['socket-failed', 'socket-renewed'])
})

test('what somebody else has put in its place is left to him', async (t) => {
  let taken = false
  const { path, looked } = await served(t, { isTaken: () => taken })
  taken = true
  rmSync(path)
  writeFileSync(path, 'his')
  const { kind, detail } = await looked()
  assert.equal(kind, 'socket-failed')
  assert.match(JSON.stringify(detail), /somebody else’s/)
  assert.equal(readFileSync(path, 'utf8'), 'his')
})
