import assert from 'node:assert/strict'
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { join } from '@datapunk/mesh'
import { atEnd } from '@datapunk/testkit'
import { Greeter } from './greeter.ts'
import { MeshFolder } from './mesh-folder.ts'
import { mtls, startMtls } from './mtls.ts'
import { assertWholePair, certificatesIn } from './whole-pair.ts'

const seedsConfig = resolve(import.meta.dirname, '../mtls-config.yaml')

test('two command lines make a mesh, and a third does nothing', async (t) => {
  const folder = emptyFolder(t)
  const init = await mtls(['init'], { cwd: folder })
  assert.equal(init.code, 0, init.stderr)
  const first = await mtls(['apply'], { cwd: folder })
  assert.equal(first.code, 0, first.stderr)
  const before = everythingIn(folder)

  const second = await mtls(['apply', '--json'], { cwd: folder })
  assert.equal(second.code, 0, second.stderr)
  assert.deepEqual(JSON.parse(second.stdout).done, [])
  assert.deepEqual(everythingIn(folder), before)
  assert.equal((await mtls(['plan', '--check'], { cwd: folder })).code, 0)
  assert.equal((await mtls(['status'], { cwd: folder })).code, 0)
  const again = await mtls(['init'], { cwd: folder })
  assert.notEqual(again.code, 0)
  assert.deepEqual(everythingIn(folder), before)
})

test('the shipped config becomes what it says, under another root folder', async (t) => {
  const root = emptyFolder(t)
  const { code, stderr } = await mtls(['apply', '--config', seedsConfig, '--root', root])
  assert.equal(code, 0, stderr)
  assert.deepEqual(readdirSync(joinPath(root, 'etc/datapunk/certs')).sort(), [
    '.mtls',
    ...[
      'ca.crl',
      'ca.crt',
      'ca.key',
      'lake.crt',
      'lake.key',
      'nexus.crt',
      'nexus.key',
      'stream.crt',
      'stream.key',
    ],
  ])
  for (const service of ['lake', 'stream', 'nexus']) {
    const mesh = await join(service, { config: seedsConfig, root })
    assert.equal(mesh.self.name, `${service}.service.datapunk`)
    await mesh.leave()
    const pem = readFileSync(joinPath(root, `etc/datapunk/certs/${service}.crt`))
    const [leaf] = certificatesIn(pem)
    assert.equal(leaf?.subject.toString(), `CN=${service}.service.datapunk,O=Datapunk,C=US`)
    assert.equal(leaf.notAfter - leaf.notBefore, 365 * 86_400_000)
  }
})

test('one authority at a time, which the others then ask; killed, it leaves nothing in the way', async (t) => {
  const mesh = MeshFolder.planned({ authority: {}, services: { lake: {}, stream: {} } })
  atEnd(t, () => mesh.remove())
  const at = ['--config', mesh.configFile]
  const up = startMtls(['up', '--json', ...at])
  atEnd(t, () => up.stop('SIGKILL'))
  await up.says(/"kind":"ready"/)
  const { serial } = assertWholePair(mesh, 'lake')

  const second = await mtls(['up', ...at])
  assert.equal(second.code, 1)
  assert.match(second.stderr, new RegExp(`\\b${up.pid}\\b`))
  const issued = await mtls(['issue', 'lake', '--json', ...at])
  assert.equal(issued.code, 0, issued.stderr)
  assert.notEqual(assertWholePair(mesh, 'lake').serial, serial)
  assert.equal(assertWholePair(mesh, 'lake').serial, JSON.parse(issued.stdout).serial)

  // A half-saved file changes nothing, and one without a member waits for somebody; a service more is nothing to ask for.
  const text = readFileSync(mesh.configFile, 'utf8')
  writeFileSync(mesh.configFile, text.slice(0, text.length / 2))
  await up.says(/"kind":"problem"/)
  mesh.write({ authority: {}, services: { lake: {}, nexus: {} } })
  await up.says(/"kind":"waiting".*"subject":"stream"/)
  await up.says(/"kind":"certificate-issued","subject":"nexus"/)
  const members = JSON.parse((await mtls(['status', '--json', ...at])).stdout).services
  assert.deepEqual(members.map(({ service }: { service: string }) => service).sort(), [
    'lake',
    'nexus',
    'stream',
  ])
  mesh.write({ authority: {}, services: { lake: {}, stream: {}, nexus: {} } })

  await up.stop('SIGKILL')
  const next = startMtls(['up', '--json', ...at])
  atEnd(t, () => next.stop('SIGKILL'))
  await next.says(/"kind":"ready"/)
  for (const service of ['lake', 'stream', 'nexus']) assertWholePair(mesh, service)
  assert.equal((await next.stop('SIGINT')).code, 0)
})

test('verify says what a peer would say, of a file and of a server', async (t) => {
  const mesh = await MeshFolder.applied({ services: { lake: {}, stream: {} } })
  atEnd(t, () => mesh.remove())
  const foreign = await MeshFolder.applied({ services: { lake: {}, stream: {} } })
  atEnd(t, () => foreign.remove())
  const lake = await Greeter.start(mesh, 'lake')
  atEnd(t, () => lake.stop())
  const verify = (...args: string[]) => mtls(['verify', '--config', mesh.configFile, ...args])

  const ours = await verify(mesh.pair('lake').cert, '--name', 'lake.service.datapunk')
  assert.equal(ours.code, 0, ours.stderr)
  const server = await verify(`lake.service.datapunk:${lake.port}`)
  assert.equal(server.code, 0, server.stderr)
  assert.equal((await verify(mesh.pair('lake').cert, '--name', 'stream.service.datapunk')).code, 1)
  assert.equal((await verify(foreign.pair('lake').cert)).code, 1)
  assert.equal(lake.calls, 0)
})

test('the passphrase from the environment opens the keys, and is in no file; another one does not', async (t) => {
  const mesh = MeshFolder.planned({ authority: {}, services: { lake: {} } })
  atEnd(t, () => mesh.remove())
  const passphrase = 'correct horse battery staple'
  const issue = (env: Record<string, string>) => mtls(['issue', 'lake', '--config', mesh.configFile], { env })
  const apply = await mtls(['apply', '--config', mesh.configFile], {
    env: { MTLS_CA_PASSPHRASE: passphrase },
  })
  assert.equal(apply.code, 0, apply.stderr)
  const wrong = await issue({ MTLS_CA_PASSPHRASE: 'another one altogether' })
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /passphrase/)
  assert.equal((await issue({ MTLS_CA_PASSPHRASE: passphrase })).code, 0)
  for (const [path, { bytes }] of everythingIn(mesh.folder)) {
    assert.equal(bytes?.includes(passphrase) ?? false, false, path)
  }
})

function emptyFolder(t: TestContext): string {
  const folder = mkdtempSync(joinPath(tmpdir(), 'mesh-cli-'))
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

interface Entry {
  readonly mode: number
  readonly bytes: string | undefined
}

/** Every path below a folder; but for SQLite's own files beside the inventory, which come and go. */
function everythingIn(folder: string): Map<string, Entry> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  return new Map(
    names
      .filter((name) => !/\.db(-wal|-shm)?$/.test(name))
      .map((name) => {
        const stat = lstatSync(joinPath(folder, name))
        const bytes = stat.isFile() ? readFileSync(joinPath(folder, name), 'latin1') : undefined
        return [name, { mode: stat.mode, bytes }]
      }),
  )
}
