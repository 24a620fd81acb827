import assert from 'node:assert/strict'
import { createPrivateKey, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { connect } from 'node:tls'
import type { AuthorityOptions } from '@datapunk/authority'
import { logOpener } from '@datapunk/log'
import { join, type LogAlarm, type Mesh } from '@datapunk/mesh'
import {
  decodePem,
  encodePem,
  generateKeyPair,
  leafCertificate,
  lint,
  localSigner,
  parseCertificate,
  signCertificate,
} from '@datapunk/pki'
import { atEnd } from '@datapunk/testkit'
import { Greeter } from './greeter.ts'
import { KeptAuthority } from './kept-authority.ts'
import { MeshFolder } from './mesh-folder.ts'

async function meshOf(t: TestContext, config: Readonly<Record<string, unknown>> = {}): Promise<MeshFolder> {
  const mesh = await MeshFolder.applied({ services: { lake: {}, stream: {} }, ...config })
  atEnd(t, () => mesh.remove())
  return mesh
}

async function callers(t: TestContext, mesh: MeshFolder): Promise<{ lake: Greeter; stream: Mesh }> {
  const lake = await Greeter.start(mesh, 'lake')
  atEnd(t, () => lake.stop())
  const stream = await join('stream', { config: mesh.configFile })
  atEnd(t, () => stream.leave())
  return { lake, stream }
}

const greeting = async (stream: Mesh, { url }: Greeter) =>
  (await stream.fetch(url, { headers: { connection: 'close' } })).text()

/** Until something that no event tells of is so. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await after(20)
}

test('who has the issuing CA’s key, and neither log nor bundle key, makes nothing that anybody believes', async (t) => {
  // Pins refuse it too.
  const mesh = await meshOf(t, { pinning: 'off' })
  const { lake, stream } = await callers(t, mesh)
  assert.equal(await greeting(stream, lake), 'hello stream')

  const [, issuing] = decodePem(readFileSync(mesh.pair('stream').cert), 'CERTIFICATE').map(parseCertificate)
  const { keys } = mesh.layout.authority
  const stolen = localSigner(createPrivateKey(readFileSync(joinPath(keys, 'issuing-ca-1.key'))))
  const { privateKey, publicKey } = await generateKeyPair('ecdsa-p256')
  const now = Math.floor(Date.now() / 1000) * 1000
  const tbs = leafCertificate({
    ...{ serial: randomBytes(16), issuer: issuing!, notBefore: now, notAfter: now + 86_400_000 },
    subject: { commonName: 'stream.service.datapunk', organization: 'Datapunk', country: 'US' },
    spki: publicKey.export({ type: 'spki', format: 'der' }),
    ...{ dnsNames: ['stream.service.datapunk'], uris: ['spiffe://service.datapunk/stream'], ipAddresses: [] },
  })
  const der = await signCertificate(lint({ tbs, profile: 'leaf', issuer: issuing! }), stolen)
  const socket = connect({
    ...{ host: '127.0.0.1', port: lake.port, servername: 'lake.service.datapunk' },
    ca: readFileSync(mesh.caCert),
    cert: encodePem('CERTIFICATE', der) + encodePem('CERTIFICATE', issuing!.der),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  })
  socket.on('error', () => {})
  const [refusal] = await once(lake.mesh, 'refused')
  assert.deepEqual([refusal.rule, lake.calls], ['NOT_LOGGED', 1])
  await new Promise((resolve) => socket.once('close', resolve))
})

/** What lake has seen of the log last. */
function seenByLake(mesh: MeshFolder): number {
  const { memory } = mesh.layout.instance('lake')
  const kept = existsSync(memory) ? readdirSync(memory) : []
  const note = kept.find((name) => name.startsWith('checkpoint-'))
  return note === undefined ? 0 : Number(readFileSync(joinPath(memory, note), 'utf8').split('\n')[1])
}

/** @returns puts the log back to what it is now */
function copyOfLog({ folder, layout: { logsDir } }: MeshFolder): () => void {
  const copy = joinPath(folder, 'log-copy')
  cpSync(logsDir, copy, { recursive: true })
  return () => {
    rmSync(logsDir, { recursive: true })
    cpSync(copy, logsDir, { recursive: true })
  }
}

/** To whom the log is shown once as it was before: he finds nothing wrong with it, and adds to what was put back. */
function deceived(mesh: MeshFolder): Partial<AuthorityOptions> {
  const [id] = readdirSync(mesh.layout.logsDir)
  const newest = readFileSync(joinPath(mesh.layout.log(id!).public, 'checkpoint'))
  const open = logOpener(mesh.config, Date.now)
  let isShown = false
  return {
    openLog: async (wanted, asAuthority) => {
      const log = await open(wanted, asAuthority)
      return {
        ...{ spki: log.spki, origin: log.origin },
        submit: (chain) => log.submit(chain),
        takes: (root) => log.takes(root),
        holds: (tree) => log.holds(tree),
        close: () => log.close(),
        read: async (path) => {
          if (isShown || path !== 'checkpoint') return log.read(path)
          isShown = true
          return newest
        },
      }
    },
  }
}

describe('a log that was put back by hand', () => {
  test('is told of when the authority comes, which was not there when it was found out', async (t) => {
    const mesh = await meshOf(t)
    const putBack = copyOfLog(mesh)
    await mesh.issue('stream')
    const first = await join('lake', { config: mesh.configFile })
    await until(() => seenByLake(mesh) === 3)
    await first.leave()
    const deception = deceived(mesh)
    putBack()
    // Until it signs anew, what it shows is only old.
    await mesh.issue('stream', deception)

    const lake = await join('lake', { config: mesh.configFile })
    atEnd(t, () => lake.leave())
    const [{ kind }] = await once(lake, 'alarm')
    assert.equal(kind, 'contradiction')
    const authority = await KeptAuthority.start(mesh)
    atEnd(t, () => authority.stop())
    await until(() =>
      authority.events.some(
        ({ kind, detail }) => kind === 'log-alarm' && detail.rule === 'LOG_CONTRADICTION',
      ),
    )
  })

  test('is found out by whoever has witnessed it; another takes its place, and everything is issued anew', async (t) => {
    const mesh = await meshOf(t)
    const putBack = copyOfLog(mesh)
    await mesh.issue('stream')
    const { lake, stream } = await callers(t, mesh)
    assert.equal(await greeting(stream, lake), 'hello stream')
    // The certificate of stream is entry 2, which lake looks for when it has seen it.
    await until(() => seenByLake(mesh) === 3)

    const deception = deceived(mesh)
    putBack()
    const authority = await KeptAuthority.start(mesh, deception)
    atEnd(t, () => authority.stop())
    const alarmed = new Promise<LogAlarm>((resolve) =>
      lake.mesh.on('alarm', (alarm) => {
        if (alarm.kind === 'contradiction') resolve(alarm)
      }),
    )
    const rotated = once(stream, 'rotated')
    await authority.authority.issue('stream')
    await rotated
    await greeting(stream, lake)
    const { checkpoints, message } = await alarmed
    assert.match(message, /signed two trees, of 3 and 3 entries.*`mtls compromise --log`/)
    assert.equal(new Set(checkpoints).size, 2, 'both are the evidence')
    await until(() =>
      authority.events.some(({ kind, subject }) => kind === 'log-alarm' && subject === 'lake'),
    )
    await until(() =>
      greeting(stream, lake).then(
        () => false,
        () => true,
      ),
    )

    const anew = [once(stream, 'rotated'), once(lake.mesh, 'rotated')]
    await authority.authority.rotate({ what: 'compromised', kind: 'log' })
    await Promise.all(anew)
    await until(() =>
      greeting(stream, lake).then(
        (said) => said === 'hello stream',
        () => false,
      ),
    )
    const slots = (await authority.authority.status()).transparency.logs
    assert.deepEqual(
      slots.map(({ state }) => state),
      ['active'],
    )
  })
})
