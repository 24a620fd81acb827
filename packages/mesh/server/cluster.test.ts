import assert from 'node:assert/strict'
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { atEnd, TestMesh } from '@datapunk/testkit'
import { callAsStranger } from '../testing/stranger.ts'

test('workers of a cluster share a port, and no ticket keys', async (t) => {
  const testMesh = await TestMesh.create({ services: { lake: {}, stream: {} } })
  atEnd(t, () => testMesh.remove())
  const exec = fileURLToPath(new URL('../testing/cluster-worker.ts', import.meta.url))
  cluster.setupPrimary({ exec, args: [testMesh.configFile], execArgv: [] })
  const workers = [cluster.fork(), cluster.fork()]
  for (const worker of workers) atEnd(t, () => stop(worker))
  const ports = await Promise.all(workers.map(portOf))
  assert.equal(ports[0], ports[1])

  const leaf = await testMesh.leaf('stream')
  const pair = { cert: testMesh.ca.chainPem(leaf), key: leaf.keyPem }
  const call = async (session?: Buffer) => {
    const { received, resumed, sessions } = await callAsStranger(
      ports[0] as number,
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      { ...pair, ...(session && { session }) },
      /by \d+/,
    )
    return { worker: /by (\d+)/.exec(received)?.[1], resumed, session: sessions[0] }
  }
  const first = await call()
  // Connections are dealt out by turns, more or less.
  const resumedAt: Record<string, boolean> = {}
  while (Object.keys(resumedAt).length < 2) {
    const { worker, resumed } = await call(first.session)
    assert.ok(worker !== undefined)
    resumedAt[worker] = resumed
  }
  const { [first.worker as string]: atSame, ...atOther } = resumedAt
  assert.equal(atSame, true)
  assert.deepEqual(Object.values(atOther), [false])
})

function portOf(worker: Worker): Promise<number> {
  const ended = once(worker, 'exit').then(([code]) => assert.fail(`the worker ended with ${code}`))
  const told = once(worker, 'message').then(([port]) => port as number)
  return Promise.race([told, ended])
}

async function stop(worker: Worker): Promise<void> {
  if (worker.isDead()) return
  const exited = once(worker, 'exit')
  worker.send('stop')
  await exited
}
