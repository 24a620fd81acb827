import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { connect } from 'node:tls'
import { atEnd, freePort } from '@datapunk/testkit'
import { Child } from './child.ts'

const repository = resolve(import.meta.dirname, '..')

interface Demo {
  readonly ports: readonly number[]
  readonly http: string
  readonly env: Readonly<Record<string, string>>
}

test('npm start shows three services that call each other, and Ctrl-C leaves nothing running', async (t) => {
  const demo = await demoOf(t)
  const start = startDemo(t, demo)
  // The flow of events has gone round: nexus → stream → lake.
  await start.says(/wrote \d+ windows? to lake/)
  // Each service tells nexus of itself every few seconds.
  for (const service of ['lake', 'stream', 'nexus'])
    while (!(await overviewOf(demo)).includes(`"service": "${service}"`)) await after(100)

  const [, , lake = 0] = demo.ports
  const stranger = connect({ host: '127.0.0.1', port: lake, rejectUnauthorized: false })
  stranger.write('GET /records HTTP/1.1\r\nHost: lake\r\n\r\n')
  const heard: Buffer[] = []
  stranger.on('data', (bytes: Buffer) => heard.push(bytes)).on('error', () => {})
  await new Promise((resolve) => stranger.once('close', resolve))
  assert.equal(heard.length, 0)
  await start.says(/lake .*refused/i)
  const [, operator] = await start.says(/curl (http:\S+)\/metrics/)
  assert.equal(await (await fetch(`${operator}/readyz`)).text(), 'ok\n')

  const second = await startDemo(t, demo).ended
  assert.equal(second.code, 1)
  assert.match(second.stdout + second.stderr, /is in use by mtls up \(process \d+/)
  await overviewOf(demo)

  const elsewhere = await startDemo(t, { ...demo, env: { ...demo.env, MTLS_ROOT: folderOf(t) } }).ended
  assert.equal(elsewhere.code, 1)
  assert.match(
    elsewhere.stdout + elsewhere.stderr,
    /127\.0\.0\.1:\d+ in use by another process; allowed: a free port/,
  )

  await endWithCtrlC(start, demo)
  // A state folder that is left over is gone on with.
  const again = startDemo(t, demo)
  await again.says(/nexus .*ready/)
  await endWithCtrlC(again, demo)
})

async function overviewOf({ http }: Demo): Promise<string> {
  const answer = await fetch(`${http}/overview`)
  assert.equal(answer.status, 200)
  return answer.text()
}

/** The shipped config, on ports of its own. */
async function demoOf(t: TestContext): Promise<Demo> {
  const ports = await Promise.all(Array.from({ length: 4 }, freePort))
  const [nexus, stream, lake, http] = ports
  const text = readFileSync(join(repository, 'mtls-config.yaml'), 'utf8')
    .replaceAll('127.0.0.1:8443', `127.0.0.1:${nexus}`)
    .replaceAll('127.0.0.1:8444', `127.0.0.1:${stream}`)
    .replaceAll('127.0.0.1:8445', `127.0.0.1:${lake}`)
  const root = folderOf(t)
  const config = join(folderOf(t), 'mtls-config.yaml')
  writeFileSync(config, text)
  const env = { MTLS_CONFIG: config, MTLS_ROOT: root, MTLS_ENV: 'demo', DATAPUNK_HTTP: `127.0.0.1:${http}` }
  return { ports, http: `http://127.0.0.1:${http}`, env }
}

function startDemo(t: TestContext, { env }: Demo): Child {
  const start = Child.start('npm', ['start'], { cwd: repository, env })
  atEnd(t, () => start.stop('SIGKILL'))
  return start
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-start-'))
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** npm itself ends by the signal; what it has started ends in order, the authority last. */
async function endWithCtrlC(start: Child, { ports }: Demo): Promise<void> {
  start.interrupt()
  const { stdout, stderr } = await start.ended
  assert.match(stdout, /start +ending[\s\S]*mtls +ended\n$/, stderr)
  for (const port of ports) {
    const server = createServer().listen(port, '127.0.0.1')
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
  }
}
