import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { join as joinMesh } from '@datapunk/mesh'
import { freePort } from '@datapunk/testkit'
import { Child } from './child.ts'
import { KeptAuthority } from './kept-authority.ts'
import { type ConfigText, MeshFolder } from './mesh-folder.ts'
import { mtls, startMtls } from './mtls.ts'

/** A user who is not this one and can read the program; none unless the test runs as root. */
async function anotherUser(): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const nobody = { uid: 65_534, gid: 65_534 }
  const program = ['-e', `require('node:fs').readFileSync(${JSON.stringify(import.meta.filename)})`]
  const { code } = await Child.run(execPath, program, { ...nobody, cwd: '/' }).catch(() => ({ code: 1 }))
  return code === 0 ? nobody : undefined
}

describe('a log alone', () => {
  const text: ConfigText = { services: { lake: {}, stream: {} } }
  let mesh: MeshFolder
  let folder: string
  let user: Awaited<ReturnType<typeof anotherUser>>
  let port: number
  let log: Child
  let url: string

  beforeEach(async () => {
    mesh = MeshFolder.planned(text)
    folder = mkdtempSync(join(tmpdir(), 'log-'))
    user = await anotherUser()
    port = await freePort()
    if (user !== undefined) chownSync(folder, user.uid, user.gid)
    await startLog()
    useLog(url)
  })

  afterEach(async () => {
    await log.stop()
    mesh.remove()
    rmSync(folder, { recursive: true })
  })

  const startLog = async (...options: string[]) => {
    const place = ['--folder', folder, '--listen', `127.0.0.1:${port}`, '--config', mesh.configFile]
    log = startMtls(['log', 'serve', ...place, '--json', ...options], { ...user, cwd: '/' })
    url = (await log.says(/"kind":"ready".*"url":"([^"]+)"/))[1]!
  }

  const useLog = (log: string | undefined) =>
    mesh.write({
      ...text,
      authority: {
        store_ca_keys_in_clear: true,
        http: 'none',
        metrics: 'none',
        console: 'none',
        ...(log !== undefined && { log }),
      },
    })

  const run = (...args: string[]) => mtls([...args, '--config', mesh.configFile])

  const isWhole = async (entries: number, ...services: string[]) => {
    const { code, stdout, stderr } = await run('log', 'verify', '--json')
    assert.equal(code, 0, stderr)
    const [verified] = JSON.parse(stdout)
    assert.deepEqual([verified.log, verified.size], [url.replace('http://', ''), entries])
    assert.deepEqual(
      verified.inUse.map(({ service }: { service: string }) => service),
      services,
    )
  }

  test('is there before its mesh, which then issues nothing that it has not logged', async () => {
    await log.says(/"kind":"waiting"/)
    const applied = await run('apply')
    assert.equal(applied.code, 0, applied.stderr)
    await isWhole(2, 'lake', 'stream')
    // Its key is its own user's, and lies nowhere else.
    assert.equal(existsSync(mesh.layout.logsDir), false)
    const [id = ''] = readdirSync(join(folder, 'log'))
    const { uid, mode } = statSync(join(folder, 'log', id, 'key.pem'))
    assert.deepEqual([uid, mode & 0o777], [user?.uid ?? process.getuid?.(), 0o600])
    const { transparency } = JSON.parse((await run('status', '--json')).stdout)
    assert.deepEqual([transparency.elsewhere, transparency.mode], [url, 'required'])
    assert.match((await run('status')).stdout, /log .*required, run by itself/)
  })

  test('that is away holds up what is new, and nothing that is there', async () => {
    await run('apply')
    await log.stop()
    const issued = await run('issue', 'lake')
    assert.equal(issued.code, 1)
    assert.match(issued.stderr, /transparency log can't be had.*ECONNREFUSED.*LOG_UNAVAILABLE/s)
    assert.equal((await run('apply')).code, 0)
    await startLog()
    assert.equal((await run('issue', 'lake')).code, 0)
    await isWhole(3, 'lake', 'stream')
  })

  test('is not taken by a mesh whose config names another', async () => {
    useLog(url.replace(/.$/, (last) => (last === '0' ? '1' : '0')))
    const applied = await run('apply')
    assert.equal(applied.code, 1)
    assert.match(applied.stderr, /found no log at .* 404.*LOG_UNAVAILABLE/s)
    useLog(url)
    assert.equal((await run('apply')).code, 0)
  })

  test('is shown to peers by their authority', async () => {
    await run('apply')
    const kept = await KeptAuthority.start(mesh)
    const lake = await joinMesh('lake', { config: mesh.configFile })
    try {
      for (const path of ['checkpoint', 'tile/0/000.p/2', 'tile/data/000.p/2', 'log.v3.json']) {
        const { pathname } = new URL(`${url}/${path}`)
        const asked = request({ socketPath: mesh.layout.mesh.socket, path: pathname }).end()
        const [answer] = (await once(asked, 'response')) as [IncomingMessage]
        const shown = await buffer(answer)
        if (path === 'log.v3.json') assert.equal(answer.statusCode, 404)
        else assert.deepEqual(shown, Buffer.from(await (await fetch(`${url}/${path}`)).arrayBuffer()))
      }
    } finally {
      await lake.leave()
      await kept.stop()
    }
    assert.deepEqual(
      kept.events.filter(({ kind }) => kind === 'log-alarm'),
      [],
    )
  })

  test('takes the place of the one inside, and another the place of it', async () => {
    useLog(undefined)
    await run('apply')
    useLog(url)
    const first = await run('apply', '--json')
    assert.equal(first.code, 0, first.stderr)
    assert.equal((await run('rotate', '--all')).code, 0)
    await isInUse('log-2')
    // Another takes its place where it runs, and then in the config; the authority makes none.
    const refused = await run('rotate', '--log')
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /mtls log serve --new/)
    await log.stop()
    await startLog('--new')
    assert.equal((await run('issue', 'lake')).code, 1)
    useLog(url)
    const second = await run('apply', '--json')
    assert.equal(second.code, 0, second.stderr)
    assert.equal((await run('rotate', '--all')).code, 0)
    await isInUse('log-3')
  })

  test('whose key is in other hands is replaced by another, and never taken again', async () => {
    await run('apply')
    const stolen = url
    await log.stop()
    await startLog('--new')
    useLog(url)
    const compromised = await run('compromise', '--log', '--yes')
    assert.equal(compromised.code, 0, compromised.stderr)
    await isInUse('log-2')
    await isWhole(2, 'lake', 'stream')
    useLog(stolen)
    const issued = await run('issue', 'lake')
    assert.equal(issued.code, 1)
    assert.match(issued.stderr, /found no log at/)
  })

  test('is not gone on with once its mesh is restored', async () => {
    await run('apply')
    const backup = join(mesh.folder, 'backup')
    const passphrase = join(mesh.folder, 'passphrase')
    writeFileSync(passphrase, 'of the backup alone', { mode: 0o600 })
    const made = await run('backup', backup, '--passphrase-file', passphrase)
    assert.equal(made.code, 0, made.stderr)
    const restored = await run('restore', backup, '--replace', '--passphrase-file', passphrase)
    assert.equal(restored.code, 0, restored.stderr)
    assert.equal((await run('apply')).code, 0)
    const issued = await run('issue', 'lake')
    assert.equal(issued.code, 1)
    assert.match(issued.stderr, /is retiring, and a log that has ended is not gone on with/)
    await log.stop()
    await startLog()
    await log.says(/belongs to generation 1 of its mesh/)
    await log.stop()
    await startLog('--new')
    useLog(url)
    const applied = await run('apply')
    assert.equal(applied.code, 0, applied.stderr)
    assert.equal((await run('issue', 'lake')).code, 0)
    await isInUse('log-2')
  })

  const isInUse = async (slot: string) => {
    const { transparency } = JSON.parse((await run('status', '--json')).stdout)
    const active = transparency.logs.find(({ state }: { state: string }) => state === 'active')
    assert.deepEqual([active.slot, active.origin], [slot, url.replace('http://', '')])
  }
})
