import assert from 'node:assert/strict'
import { on, once } from 'node:events'
import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Authority, AuthorityEvent } from '@datapunk/authority'
import { join, type Mesh, type MeshError } from '@datapunk/mesh'
import { encodeMessage, formatDocumentNumber } from '@datapunk/protocol'
import { MeshFolder } from './mesh-folder.ts'

const yes = { approve: () => true }

describe('peers and their authority', () => {
  let mesh: MeshFolder
  let authority: Authority
  let events: AuthorityEvent[]
  let joined: Mesh[]

  beforeEach(async () => {
    mesh = await MeshFolder.applied({ services: { lake: {}, stream: {} } })
    events = []
    joined = []
    await start()
  })

  afterEach(async () => {
    for (const one of joined) await one.leave()
    await authority.close()
    mesh.remove()
  })

  const start = async () => {
    authority = await mesh.authority({ report: (event) => events.push(event) })
    await authority.servePeers()
  }

  const joinAs = async (service: string, memory?: string) => {
    const one = await join(service, { config: mesh.configFile, memory })
    joined.push(one)
    return one
  }

  /** Resolves once it holds of the peers that the authority knows. */
  const until = async (holds: () => boolean) => {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        const stop = authority.peers.onChange(() => {
          stop()
          resolve()
        })
      })
    }
  }

  const enforced = () =>
    authority.peers
      .live()
      .map(
        ({ service, acknowledged }) =>
          `${service} ${acknowledged ? formatDocumentNumber(acknowledged.number) : '-'}`,
      )
      .sort()

  test('greet each other, and every new bundle is acknowledged by each', async () => {
    await joinAs('lake')
    await joinAs('stream')
    await until(() => enforced().join() === 'lake 1.2,stream 1.2')
    mesh.write({ services: { lake: { allow: ['stream'] }, stream: {} } })
    authority.configure(mesh.config)
    await authority.apply(yes)
    await until(() => enforced().join() === 'lake 1.3,stream 1.3')
    assert.deepEqual(authority.peers.lateFor({ generation: 1, counter: 3 }), [])
    assert.equal(authority.peers.lateFor({ generation: 1, counter: 4 }).length, 2)
  })

  test('a service that can keep nothing acknowledges all the same', async () => {
    await joinAs('lake', mesh.configFile)
    await until(() => enforced().join() === 'lake 1.2')
    await authority.issue('lake')
    await until(() => enforced().join() === 'lake 1.3')
  })

  test('two processes of one instance are two peers, and one that leaves is gone at once', async () => {
    const first = await joinAs('lake')
    await joinAs('lake')
    await until(() => enforced().join() === 'lake 1.2,lake 1.2')
    await first.leave()
    await until(() => enforced().length === 1)
  })

  test('find each other again when the authority was started anew', async () => {
    await joinAs('lake')
    await until(() => enforced().join() === 'lake 1.2')
    await authority.close()
    assert.equal(existsSync(mesh.layout.mesh.socket), false)
    await start()
    await until(() => enforced().join() === 'lake 1.2')
  })

  test('report what they serve, and whom they are connected with', async () => {
    const lake = await joinAs('lake')
    const stream = await joinAs('stream')
    await until(() => authority.peers.live().filter(({ report }) => report).length === 2)
    const before = authority.peers.live().find(({ service }) => service === 'lake')?.report?.serial
    const rotated = once(lake, 'rotated')
    await authority.issue('lake')
    const [{ to }] = await rotated
    await until(() => authority.peers.live().some(({ report }) => report?.serial === to))
    assert.notEqual(to, before)
    assert.ok(stream)
  })

  test('a folder that was rolled back is not believed after a restart, and stops the authority', async () => {
    const lake = await joinAs('lake')
    await until(() => enforced().join() === 'lake 1.2')
    await authority.close()
    const old = mesh.copyState()
    await start()
    await authority.issue('lake')
    mesh.write({ services: { lake: { allow: ['stream'] }, stream: {} } })
    authority.configure(mesh.config)
    await authority.apply(yes)
    await until(() => enforced().join() === 'lake 1.4')
    await lake.leave()
    await authority.close()

    mesh.putBackState(old)
    const again = await joinAs('lake')
    for await (const [{ data }] of on(again, 'problem') as AsyncIterable<[MeshError]>)
      if (data.rule === 'BUNDLE_NUMBER_WENT_BACK') break
    await start()
    await assert.rejects(
      async () => {
        for (;;) {
          await authority.rotate({ what: 'resume', service: 'lake' })
          await setImmediate()
        }
      },
      { code: 'INVENTORY_OUTDATED', message: /a peer showed bundle 1\.4.*restore --continue/ },
    )
    assert.ok(events.some(({ kind }) => kind === 'halted'))
  })

  describe('a stranger at the socket', () => {
    const say = async (...lines: string[]) => {
      const asked = request({
        socketPath: mesh.layout.mesh.socket,
        path: '/stream',
        method: 'POST',
        agent: false,
      })
      asked.on('error', () => {})
      asked.flushHeaders()
      const [response] = await once(asked, 'response')
      response.on('error', () => {})
      response.resume()
      const ended = new Promise((resolve) => response.once('close', resolve))
      for (const line of lines) asked.write(line)
      await ended
    }

    for (const [what, line] of Object.entries({
      garbage: 'garbage\n',
      'another beginning': encodeMessage({ type: 'leave' }),
      'a hello that nobody signed': encodeMessage({ type: 'hello', document: Buffer.from('{}') }),
      'a line without end': 'x'.repeat(200_000),
      'bytes that are no text': '\u0000\u0001\n',
    })) {
      test(`is let go who says ${what}, and nobody else is harmed`, async () => {
        await joinAs('stream')
        await until(() => enforced().join() === 'stream 1.2')
        await say(line)
        assert.equal(events.filter(({ kind }) => kind === 'peer-refused').length, 1)
        assert.deepEqual(enforced(), ['stream 1.2'])
      })
    }
  })
})
