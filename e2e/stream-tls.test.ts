import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { join as joinPath } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { AuthorityEvent } from '@datapunk/authority'
import type { Clock, Mesh, Refusal } from '@datapunk/mesh'
import { join } from '@datapunk/mesh'
import { decodePem, localSigner, parseCertificate } from '@datapunk/pki'
import { encodeMessage, formatDocumentNumber, MessageReader, sealHello } from '@datapunk/protocol'
import { Ending, freePort } from '@datapunk/testkit'
import { Greeter } from './greeter.ts'
import { KeptAuthority } from './kept-authority.ts'
import { type ConfigText, MeshFolder } from './mesh-folder.ts'
import { OtherHost } from './other-host.ts'
import { Wire } from './wire.ts'

const DAY = 24 * 60 * 60 * 1000
const yes = { approve: () => true }

/** Time that passes twenty times as fast, for whoever waits. */
const hasty: Clock = {
  now: Date.now,
  after(delay, call) {
    const timer = setTimeout(call, delay / 20).unref()
    return () => clearTimeout(timer)
  },
}

describe('a peer on another host', () => {
  let mesh: MeshFolder
  let host: OtherHost
  let kept: KeptAuthority
  let ahead: number
  let port: number
  let ending: Ending
  const services: ConfigText['services'] = { lake: {}, stream: {}, nexus: {} }

  const configOf = (more: ConfigText['services'] = services): ConfigText => ({
    services: more,
    authority: { store_ca_keys_in_clear: true, listen: `127.0.0.1:${port}` },
  })

  const start = async () => {
    kept = await KeptAuthority.start(mesh, { clock: () => Date.now() + ahead })
  }

  beforeEach(async () => {
    ahead = 0
    ending = new Ending()
    port = await freePort()
    mesh = await MeshFolder.applied(configOf())
    ending.add(() => mesh.remove())
    host = new OtherHost(mesh)
    ending.add(() => host.remove())
    await start()
    ending.add(() => kept.stop())
  })

  afterEach(() => ending.end())

  const joinFar = async (service: string, clock?: Clock): Promise<Mesh> => {
    const joined = await host.join(service, clock)
    ending.add(() => joined.leave())
    return joined
  }

  /** Resolves once it holds of the peers that the authority knows. */
  const until = async (holds: () => boolean) => {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        const stop = kept.authority.peers.onChange(() => {
          stop()
          resolve()
        })
      })
    }
  }

  const enforced = () =>
    kept.authority.peers
      .live()
      .filter(({ leftAt }) => leftAt === undefined)
      .map(
        ({ service, acknowledged }) =>
          `${service} ${acknowledged ? formatDocumentNumber(acknowledged.number) : '-'}`,
      )
      .sort()
      .join()

  const change = async (more: ConfigText['services']) => {
    mesh.write(configOf(more))
    kept.authority.configure(mesh.config)
    await kept.authority.apply(yes)
  }

  const ownCertificates = () =>
    kept.events
      .filter((event) => event.kind === 'certificate-issued')
      .filter(({ subject }) => subject === 'authority')

  test('needs config, roots and pair: the rest comes over the stream, sections as differences', async () => {
    const fetched: unknown[] = []
    const noted = (message: unknown) => {
      const { request, response } = message as { request: ClientRequest; response: IncomingMessage }
      if (request.path.startsWith('/sections/')) fetched.push(typeof response.headers['difference-of'])
    }
    subscribe('http.client.response.finish', noted)
    ending.add(() => unsubscribe('http.client.response.finish', noted))

    const names = Array.from({ length: 40 }, (_, n) => `service-${n}`.padEnd(63, '-long'))
    const many = (callers: number) =>
      Object.fromEntries(names.map((name, n) => [name, { allow: n < 10 ? names : names.slice(0, callers) }]))
    await change({ ...services, ...many(40) })
    const lake = await joinFar('lake')
    await until(() => enforced() === 'lake 1.4')
    fetched.length = 0
    await change({ ...services, ...many(40), lake: { allow: ['stream'] } })
    await until(() => enforced() === 'lake 1.5')
    assert.deepEqual(fetched, [], 'a short difference goes ahead of its head')
    await change({ ...services, ...many(39), lake: { allow: ['stream'] } })
    await until(() => enforced() === 'lake 1.6')
    assert.deepEqual(fetched, ['string'], 'a long one is fetched')
    assert.deepEqual(lake.counters.refused, {})
  })

  test('takes files that were copied once, and does not mind when they are older than the stream', async () => {
    host.copyMeshFolder()
    const lake = await joinFar('lake')
    const problems: string[] = []
    lake.on('problem', ({ code }) => problems.push(code))
    await change({ ...services, lake: { allow: ['stream'] } })
    await until(() => enforced() === 'lake 1.3')
    await lake.refresh()
    assert.equal(problems.join(), '')
    await lake.leave()
    const again = await joinFar('lake')
    again.on('problem', ({ code }) => problems.push(code))
    await until(() => enforced() === 'lake 1.3')
    await again.refresh()
    assert.equal(problems.join(), '')
  })

  test('finds the authority again when that was started anew, with another certificate', async () => {
    const lake = await joinFar('lake')
    const problems: string[] = []
    lake.on('problem', ({ code }) => problems.push(code))
    await until(() => enforced() === 'lake 1.2')
    const [before] = ownCertificates()
    const cutOff = once(lake, 'problem')
    await kept.stop()
    await cutOff
    await start()
    await until(() => enforced() === 'lake 1.2')
    assert.deepEqual(problems, ['AUTHORITY_UNREACHABLE'])
    assert.notEqual(ownCertificates()[0]?.detail.serial, before?.detail.serial)
  })

  test('stays while the authority renews its certificate, which new connections are shown', async () => {
    await kept.stop()
    mesh.remove()
    host.remove()
    // Made in the past, so that the bundle is believed before and after.
    ahead = -4 * DAY
    mesh = MeshFolder.planned(configOf())
    await start()
    await kept.authority.apply(yes)
    host = new OtherHost(mesh)
    ahead = 0
    await joinFar('lake')
    await until(() => enforced().startsWith('lake 1.'))
    const { since } = kept.authority.peers.live()[0]!
    await kept.authority.apply(yes)
    assert.equal(ownCertificates().length, 2)
    await joinFar('stream')
    await until(() => /^lake .*stream 1/.test(enforced()))
    const lake = kept.authority.peers.live().find(({ service }) => service === 'lake')
    assert.equal(lake?.since, since)
    assert.deepEqual(
      kept.events.filter(({ kind }) => kind === 'peer-refused'),
      [],
    )
  })

  test('goes through a new issuing CA and a new root with everybody else', async () => {
    ahead = 40_000
    const far = await joinFar('lake')
    const near = await join('stream', { config: mesh.configFile })
    ending.add(() => near.leave())
    await until(() => /lake 1.*stream 1/.test(enforced()))
    const { authority } = kept
    await authority.rotate({ what: 'issuing-ca', without: [] })
    await kept.untilSlots((states) => states['issuing-ca-1'] === 'retired')
    await authority.rotate({ what: 'root', without: [] })
    await kept.untilSlots((states) => states['root-1'] === 'retired' && states['issuing-ca-2'] === 'retired')
    const { bundle } = await authority.status()
    await until(() => enforced() === `lake ${bundle},stream ${bundle}`)
    assert.deepEqual(far.counters.refused, {})
    assert.equal(ownCertificates().length, 3)
  })

  test('follows when the issuing key is stolen, and nobody is waited for', async () => {
    const lake = await joinFar('lake')
    await until(() => enforced() === 'lake 1.2')
    await kept.authority.rotate({ what: 'compromised', kind: 'issuing-ca' })
    const { bundle } = await kept.authority.status()
    await until(() => enforced() === `lake ${bundle}`)
    assert.deepEqual(lake.counters.refused, {})
  })

  test('notices a connection that is dead without an end, and makes another', async () => {
    const wire = await Wire.to(port)
    ending.add(() => wire.close())
    host.remove()
    host = new OtherHost(mesh, `127.0.0.1:${wire.port}`)
    await joinFar('lake', hasty)
    await until(() => enforced() === 'lake 1.2')
    // One that is answered stays: four times the time between two reports is longer than the longest silence.
    const { since } = kept.authority.peers.live()[0]!
    const reports = new Set<unknown>()
    await until(() => reports.add(kept.authority.peers.live()[0]?.report).size > 5)
    assert.equal(kept.authority.peers.live()[0]?.since, since)
    wire.freeze()
    await until(() => kept.authority.peers.live().some((peer) => peer.since > since))
  })

  test('waits for its first documents, and never keeps the process alive after that', async () => {
    const program = joinPath(import.meta.dirname, 'lone-peer.ts')
    const args = [program, 'lake', host.configFile, host.memoryOf('lake')]
    const ended = async () => (await once(spawn(process.execPath, args), 'close'))[0]
    assert.equal(await ended(), 0)
    await kept.stop()
    assert.equal(await ended(), 0)
    await start()
  })

  test('uses the socket where that is there too', async () => {
    const connections: unknown[] = []
    const noted = (message: unknown) => {
      const { request } = message as { request: IncomingMessage }
      connections.push(request.socket.remotePort)
    }
    subscribe('http.server.request.start', noted)
    ending.add(() => unsubscribe('http.server.request.start', noted))
    const near = await join('lake', { config: mesh.configFile })
    ending.add(() => near.leave())
    await until(() => enforced() === 'lake 1.2')
    assert.deepEqual([...new Set(connections)], [undefined])
  })

  test('is cut when its service is removed', async () => {
    await joinFar('nexus')
    await joinFar('lake')
    await until(() => enforced() === 'lake 1.2,nexus 1.2')
    await change({ lake: {}, stream: {} })
    await until(() => enforced() === 'lake 1.3')
    assert.ok(kept.events.some(isRefusal('NOT_A_MEMBER')))
  })

  test('speaks for the instance whose certificate it shows, and for no other', async () => {
    const { cert, key } = mesh.pair('lake')
    const asked = request({
      ...{ host: '127.0.0.1', port, path: '/stream', method: 'POST', agent: false },
      ...{ cert: readFileSync(cert), key: readFileSync(key), ca: readFileSync(mesh.caCert) },
      servername: 'authority.service.datapunk',
    })
    asked.flushHeaders()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    const [challenge] = MessageReader.ofAuthority().read((await once(response, 'data'))[0])
    assert.ok(challenge?.type === 'challenge')
    const stream = mesh.pair('stream')
    const { meshId } = await kept.authority.status()
    const document = await sealHello(
      {
        ...{ meshId: meshId!, peer: 'a'.repeat(32), nonce: challenge.nonce, version: '1', formats: [1] },
        serial: parseCertificate(decodePem(readFileSync(stream.cert), 'CERTIFICATE')[0]!).serial,
        ...{ trustStatement: { generation: 1, counter: 1 }, bundle: { generation: 1, counter: 1 } },
      },
      localSigner(createPrivateKey(readFileSync(stream.key))),
    )
    asked.on('error', () => {})
    response.on('error', () => {})
    asked.write(encodeMessage({ type: 'hello', document }))
    await new Promise((resolve) => response.resume().once('close', resolve))
    assert.deepEqual(kept.authority.peers.live(), [])
    assert.match(
      JSON.stringify(kept.events.find(isRefusal('MESSAGE_INVALID'))),
      /a hello of stream on a connection of lake/,
    )
  })

  describe('meets somebody else in the authority’s place', () => {
    const impostor = async (): Promise<Greeter> => {
      await kept.stop()
      const lake = await Greeter.start(mesh, 'lake', port)
      ending.add(start)
      ending.add(() => lake.stop())
      return lake
    }

    test('and refuses him, over and over', async () => {
      const first = await joinFar('stream')
      await until(() => enforced() === 'stream 1.2')
      await first.leave()
      const lake = await impostor()
      const stream = await joinFar('stream')
      const [refusal] = (await once(stream, 'refused')) as [Refusal]
      assert.deepEqual([refusal.rule, refusal.peer.service], ['OTHER_SERVICE', 'lake'])
      assert.equal(lake.calls, 0)
    })

    test('and has nothing from him to begin with', async () => {
      const lake = await impostor()
      await assert.rejects(host.join('stream'), { code: 'SERVER_REFUSED', data: { rule: 'OTHER_SERVICE' } })
      assert.equal(lake.calls, 0)
    })
  })
})

function isRefusal(code: string): (event: AuthorityEvent) => boolean {
  return ({ kind, detail }) => kind === 'peer-refused' && detail.code === code
}
