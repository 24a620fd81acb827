import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { connect } from 'node:tls'
import { type Authority, type AuthorityEvent, connectAdmin } from '@datapunk/authority'
import { join, type Mesh } from '@datapunk/mesh'
import { decodePem, parseCertificate } from '@datapunk/pki'
import { formatDocumentNumber } from '@datapunk/protocol'
import { atEnd, seededRandom } from '@datapunk/testkit'
import { Greeter } from './greeter.ts'
import { type ConfigText, MeshFolder } from './mesh-folder.ts'
import { mtls, startMtls } from './mtls.ts'

const yes = { approve: () => true }
const services: ConfigText = { services: { lake: {}, stream: {} } }
const widened: ConfigText = { services: { lake: { allow: ['stream'] }, stream: {} } }

/** A mesh, and the passphrase of its backups; its CA keys lie in clear. */
async function meshOf(t: TestContext, config = services): Promise<MeshFolder> {
  const mesh = await MeshFolder.applied(config)
  atEnd(t, () => mesh.remove())
  writeFileSync(wordOf(mesh), 'correct horse battery staple', { mode: 0o600 })
  return mesh
}

const wordOf = (mesh: MeshFolder) => joinPath(mesh.folder, 'word')
const backupOf = (mesh: MeshFolder) => joinPath(mesh.folder, 'mesh.backup')

/** The chain that a service shows. */
const shownBy = (mesh: MeshFolder, service: string) =>
  decodePem(readFileSync(mesh.pair(service).cert), 'CERTIFICATE').map(parseCertificate)

/** `mtls backup` or `restore`, which has to go well. */
async function run(mesh: MeshFolder, command: string, ...args: string[]): Promise<void> {
  const all = [command, ...args, '--config', mesh.configFile]
  const { code, stderr } = await mtls(
    args.includes('--continue') ? all : [...all, '--passphrase-file', wordOf(mesh)],
  )
  assert.equal(code, 0, stderr)
}

/** The authority for peers to speak to, until the test ends. */
async function serve(t: TestContext, mesh: MeshFolder, events: AuthorityEvent[] = []): Promise<Authority> {
  const authority = await mesh.authority({ report: (event) => events.push(event) })
  atEnd(t, () => authority.close())
  await authority.servePeers()
  return authority
}

async function joinAs(t: TestContext, mesh: MeshFolder, service: string): Promise<Mesh> {
  const one = await join(service, { config: mesh.configFile })
  atEnd(t, () => one.leave())
  return one
}

/** Resolves once every one of these peers has acknowledged a bundle of this generation, or a later one. */
async function enforced(authority: Authority, generation: number, ...names: string[]): Promise<void> {
  const holds = () => {
    const live = authority.peers
      .live()
      .filter(({ acknowledged }) => (acknowledged?.number.generation ?? 0) >= generation)
    return names.every((name) => live.some(({ service }) => service === name))
  }
  while (!holds()) {
    await new Promise<void>((resolve) => {
      const stop = authority.peers.onChange(() => {
        stop()
        resolve()
      })
    })
  }
}

/** Calls again and again. @returns ends it, and gives the number of calls; throws the first that failed */
function callOnAndOn(stream: Mesh, lake: Greeter): () => Promise<number> {
  let calls = 0
  let over = false
  const calling = (async () => {
    while (!over) {
      const headers = calls % 2 === 0 ? {} : { connection: 'close' }
      const answer = await stream.fetch(lake.url, { headers })
      assert.equal(await answer.text(), 'hello stream')
      calls++
    }
  })()
  calling.catch(() => {})
  return async () => {
    over = true
    await calling
    return calls
  }
}

describe('an authority that was restored', () => {
  test('from an older backup is followed by peers that had gone further', async (t) => {
    const mesh = await meshOf(t)
    await run(mesh, 'backup', backupOf(mesh))
    const first = await serve(t, mesh)
    mesh.write(widened)
    first.configure(mesh.config)
    await first.apply(yes)
    await joinAs(t, mesh, 'lake')
    await joinAs(t, mesh, 'stream')
    await enforced(first, 1, 'lake', 'stream')
    const further = first.peers.live().map(({ acknowledged }) => formatDocumentNumber(acknowledged!.number))
    assert.ok(further.every((number) => number !== '1.1'))
    await first.close()
    rmSync(mesh.layout.authority.dir, { recursive: true })
    rmSync(mesh.config.paths.caKey)

    await run(mesh, 'restore', backupOf(mesh))
    const restored = await serve(t, mesh)
    assert.match((await restored.apply(yes)).bundle, /^2\./)
    await enforced(restored, 2, 'lake', 'stream')
  })

  test('has nobody in who was revoked since its backup, whether issued before that or after', async (t) => {
    const mesh = await meshOf(t)
    const [before] = shownBy(mesh, 'stream')
    await run(mesh, 'backup', backupOf(mesh))
    await mesh.issue('stream')
    const stolen = {
      cert: readFileSync(mesh.pair('stream').cert),
      key: readFileSync(mesh.pair('stream').key),
    }
    const [since] = shownBy(mesh, 'stream')
    const first = await mesh.authority()
    for (const { serial } of [before!, since!])
      await first.revoke({ targets: [{ serial }], reason: 'key-compromise' })
    await first.close()
    rmSync(mesh.layout.authority.dir, { recursive: true })
    rmSync(mesh.config.paths.caKey)

    await run(mesh, 'restore', backupOf(mesh))
    const restored = await serve(t, mesh)
    await restored.apply(yes)
    const lake = await Greeter.start(mesh, 'lake')
    atEnd(t, () => lake.stop())
    const refused = once(lake.mesh, 'refused')
    const socket = connect({
      ...{ host: '127.0.0.1', port: lake.port, servername: 'lake.service.datapunk' },
      ...{ ca: readFileSync(mesh.caCert), ...stolen },
    })
    socket.on('error', () => {})
    const [{ rule, peer }] = await refused
    assert.deepEqual([rule, peer?.serial], ['REVOKED', since!.serial])
    const { revoked } = await restored
      .previewRevocation({ targets: [{ serial: before!.serial }], reason: 'unspecified' })
      .then(({ already }) => ({
        revoked: already.map(({ serial }) => serial),
      }))
    assert.deepEqual(revoked, [before!.serial])
  })

  test('on another machine serves peers that keep their pairs, connections and calls', async (t) => {
    const here = await meshOf(t)
    const before = await serve(t, here)
    const lake = await Greeter.start(here, 'lake')
    atEnd(t, () => lake.stop())
    const stream = await joinAs(t, here, 'stream')
    await enforced(before, 1, 'lake', 'stream')
    const lasting = await stream.connect({ host: 'lake', port: lake.port })
    atEnd(t, () => lasting.destroy())
    const { serial } = stream.peer(lasting)
    const pair = readFileSync(here.pair('lake').cert)
    const endCalls = callOnAndOn(stream, lake)

    await before.backup({ file: backupOf(here), passphraseFile: wordOf(here) })
    await before.close()
    const there = MeshFolder.planned(services)
    atEnd(t, () => there.remove())
    writeFileSync(wordOf(there), readFileSync(wordOf(here)), { mode: 0o600 })
    await run(there, 'restore', backupOf(here))
    const moved = await serve(t, there)
    await moved.apply(yes)
    // What a forwarded socket does: peers speak where they always did, and are heard on the other machine.
    symlinkSync(there.layout.mesh.socket, here.layout.mesh.socket)
    await enforced(moved, 2, 'lake', 'stream')

    assert.ok((await endCalls()) > 0)
    lasting.write('GET / HTTP/1.1\r\nHost: lake.service.datapunk\r\n\r\n')
    assert.match(`${(await once(lasting, 'data'))[0]}`, /200 OK/)
    assert.equal(stream.peer(lasting).serial, serial)
    assert.ok(readFileSync(here.pair('lake').cert).equals(pair))
    assert.deepEqual(lake.refusals, [])
  })
})

describe('a state folder that was copied back by hand', () => {
  test('signs nothing more once a peer has shown a higher number, until it is told to go on', async (t) => {
    const mesh = await meshOf(t)
    const old = mesh.copyState()
    mesh.write(widened)
    await mesh.apply()
    const peer = await joinAs(t, mesh, 'lake')
    await peer.leave()
    mesh.putBackState(old)

    const events: AuthorityEvent[] = []
    const authority = await serve(t, mesh, events)
    await joinAs(t, mesh, 'lake')
    await assert.rejects(untilHalted(authority), {
      code: 'INVENTORY_OUTDATED',
      message: /restore --continue/,
    })
    assert.deepEqual(events.filter(({ kind }) => kind === 'halted').length, 1)
    assert.equal((await authority.continueFromHere()).generation, 2)
    await authority.apply(yes)
    await enforced(authority, 2, 'lake')
  })

  test('from before a restore is known as such, though it does not know the key that has signed since', async (t) => {
    const mesh = await meshOf(t)
    const old = mesh.copyState()
    await run(mesh, 'restore', '--continue', '--yes')
    await mesh.apply()
    const peer = await joinAs(t, mesh, 'lake')
    await peer.leave()
    mesh.putBackState(old)

    const authority = await serve(t, mesh)
    await joinAs(t, mesh, 'lake')
    await assert.rejects(untilHalted(authority), {
      code: 'INVENTORY_OUTDATED',
      message: /a peer showed bundle 2\./,
    })
    assert.equal((await authority.continueFromHere()).generation, 3)
    await authority.apply(yes)
    await enforced(authority, 3, 'lake')
  })

  test('goes on by a command while `mtls up` waits for it', async (t) => {
    const mesh = await meshOf(t)
    const old = mesh.copyState()
    mesh.write(widened)
    await mesh.apply()
    const peer = await joinAs(t, mesh, 'lake')
    await peer.leave()
    mesh.putBackState(old)
    mesh.write(services)
    const up = startMtls(['up', '--config', mesh.configFile])
    atEnd(t, () => up.stop())
    await up.says(/ready/)
    await joinAs(t, mesh, 'lake')
    await up.says(/halted/)
    const refused = await mtls(['apply', '--config', mesh.configFile])
    assert.match(refused.stderr, /INVENTORY_OUTDATED/)
    const looked = await mtls(['status', '--config', mesh.configFile])
    assert.deepEqual([looked.code, looked.stderr.match(/a peer showed bundle/g)?.length], [1, 1])
    await run(mesh, 'restore', '--continue')
    const applied = await mtls(['apply', '--config', mesh.configFile])
    assert.match(applied.stderr, /bundle 2\.\d+ is in force/)
  })

  async function untilHalted(authority: Authority): Promise<never> {
    for (;;) await authority.issue('lake')
  }
})

test('a backup while certificates are issued at full speed shows one moment of it', async (t) => {
  const mesh = await meshOf(t)
  const up = startMtls(['up', '--config', mesh.configFile])
  atEnd(t, () => up.stop())
  await up.says(/ready/)
  const admin = (await connectAdmin(mesh.layout.authority.adminSocket, { purpose: 'issue' }))!
  let issued = 0
  let over = false
  const issuing = Array.from({ length: 4 }, async () => {
    while (!over) {
      await admin.issue('lake')
      issued++
    }
  })
  const before = issued
  for (let n = 1; n <= 3; n++) await run(mesh, 'backup', `${backupOf(mesh)}${n}`)
  assert.ok(issued > before)
  over = true
  await Promise.all(issuing)
  t.diagnostic(`${issued} issued meanwhile`)

  const there = MeshFolder.planned(services)
  atEnd(t, () => there.remove())
  writeFileSync(wordOf(there), readFileSync(wordOf(mesh)), { mode: 0o600 })
  await run(there, 'restore', `${backupOf(mesh)}3`)
  const database = new DatabaseSync(there.layout.authority.inventory, { readOnly: true })
  atEnd(t, () => database.close())
  const one = (sql: string) => Object.values(database.prepare(sql).get()!)[0]
  assert.equal(one('PRAGMA integrity_check'), 'ok')
  assert.equal(
    one(`SELECT count(*) FROM certificate WHERE state = 'issued'`),
    one(`SELECT count(*) FROM audit WHERE deed IN ('issued', 'renewed')`),
  )
})

const ROUNDS = 6

test('a backup that is killed at any moment leaves the earlier one, or the new one whole', async (t) => {
  const mesh = await meshOf(t)
  await run(mesh, 'backup', backupOf(mesh))
  const kill = killer(t)
  for (let round = 0; round < ROUNDS; round++) {
    await kill(['backup', backupOf(mesh), '--passphrase-file', wordOf(mesh), '--config', mesh.configFile])
    const there = MeshFolder.planned(services)
    writeFileSync(wordOf(there), readFileSync(wordOf(mesh)), { mode: 0o600 })
    await run(there, 'restore', backupOf(mesh))
    there.remove()
  }
  // What it left beside is taken up by the next one.
  await run(mesh, 'backup', backupOf(mesh))
  assert.deepEqual(
    readdirSync(mesh.folder).filter((name) => name.endsWith('.new')),
    [],
  )
})

test('a restore that is killed at any moment leaves what was there, or all that it restored', async (t) => {
  const mesh = await meshOf(t)
  await run(mesh, 'backup', backupOf(mesh))
  const kill = killer(t)
  let generation = 1
  for (let round = 0; round < ROUNDS; round++) {
    await kill([
      'restore',
      backupOf(mesh),
      '--replace',
      '--passphrase-file',
      wordOf(mesh),
      '--config',
      mesh.configFile,
    ])
    const { bundle } = await mesh.apply()
    const now = Number(bundle.split('.')[0])
    assert.ok(now === generation || now === generation + 1, bundle)
    generation = now
    assert.ok(!existsSync(joinPath(mesh.layout.state, '.restored')))
  }
  await run(mesh, 'restore', backupOf(mesh), '--replace')
  assert.match((await mesh.apply()).bundle, new RegExp(`^${generation + 1}\\.`))
})

/** Runs a command and kills it at a share of how long the last one took that was left alone. */
function killer(t: TestContext): (args: readonly string[]) => Promise<void> {
  let killed = 0
  atEnd(t, () => t.diagnostic(`${killed} of ${ROUNDS} were killed before they were done`))
  const seed = String(Date.now())
  t.diagnostic(`seed ${seed}`)
  const random = seededRandom(seed)
  let usual = 1_500
  return async (args) => {
    const child = startMtls(args)
    const began = performance.now()
    const alarm = new AbortController()
    const share = random(4).reduce((sum, byte) => sum * 256 + byte, 0) / 2 ** 32
    // Most of it is the start of the process.
    const killing = after((0.4 + 0.6 * share) * usual, undefined, { signal: alarm.signal }).then(
      () => child.signal('SIGKILL'),
      () => {},
    )
    const { code, signal, stderr } = await child.ended
    alarm.abort()
    await killing
    if (signal === 'SIGKILL') killed++
    if (signal === 'SIGKILL') return
    usual = performance.now() - began
    assert.equal(code, 0, stderr)
  }
}
