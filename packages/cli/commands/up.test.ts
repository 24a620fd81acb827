import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Background } from '../testing/background.ts'
import { prepareFiles } from '../testing/prepared-files.ts'
import { playTranscript } from '../testing/transcript.ts'

describe('up', () => {
  let folder: string
  let up: Background
  const config = (name: string) => copyFileSync(join(folder, name), join(folder, 'mtls-config.yaml'))
  const play = (command: string) => playTranscript(`$ ${command}`, folder)

  beforeEach(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'mtls-')))
    await prepareFiles(folder)
    config('one.yaml')
    up = new Background(folder, 'up')
  })
  afterEach(async () => {
    up.signal('SIGKILL')
    await up.ended
    rmSync(folder, { recursive: true })
  })

  test('applies, says when it is ready, and leaves nothing behind when it is ended', async () => {
    const issued = await up.next('certificate-issued')
    assert.equal(issued.subject, 'lake')
    const { detail } = await up.next('ready')
    assert.deepEqual([detail.bundle, detail.services], ['1.2', 1])
    up.signal('SIGINT')
    await up.next('ended')
    assert.equal(await up.ended, 0)
    assert.equal(existsSync(detail.socket as string), false)
    assert.equal(existsSync(join(folder, 'certs/.mtls/authority/lock.json')), false)
  })

  test('takes the commands of others, and a second one is refused', async () => {
    await up.next('ready')
    assert.match(await play('mtls issue lake'), /2> lake: serial <hex>, until <time>/)
    assert.equal((await up.next('certificate-issued')).subject, 'lake')
    assert.match(await play('mtls apply'), /2> nothing to do; bundle 1\.3/)
    assert.match(
      await play('mtls up'),
      /in use by mtls up \(process <pid>, since <time>\).*\[LOCKED\]\n\[1\]$/,
    )
    assert.match(await play('mtls apply --adopt-ca'), /\[LOCKED\]\n\[1\]$/)
    assert.match(await play('mtls issue lak'), /\[NOT_A_MEMBER\]\n\[1\]$/)
  })

  test('applies the file when it is written; what is destructive waits to be asked for', async () => {
    await up.next('ready')
    config('two.yaml')
    assert.equal((await up.next('service-added')).subject, 'stream')
    assert.equal((await up.next('certificate-issued')).subject, 'stream')
    config('one.yaml')
    const { detail } = await up.next('waiting')
    const actions = detail.actions as { kind: string; subject: string }[]
    assert.deepEqual(
      actions.map(({ kind, subject }) => [kind, subject]),
      [['remove-service', 'stream']],
    )
    assert.match(await play('mtls apply'), /1 destructive action not done.*\n.*\n.*\n\[1\]$/)
    assert.match(await play('mtls apply --yes'), /2> 3 actions done/)
    assert.equal((await up.next('service-removed')).subject, 'stream')
  })

  test('goes on with what was good while the file has faults', async () => {
    await up.next('ready')
    // By rename: a file that is looked at while it is written is empty, which is a fault of its own.
    writeFileSync(join(folder, 'next.yaml'), 'services: [')
    renameSync(join(folder, 'next.yaml'), join(folder, 'mtls-config.yaml'))
    const { detail } = await up.next('problem')
    assert.match(detail.message as string, /mtls-config\.yaml:1:12: not valid YAML/)
    config('two.yaml')
    assert.equal((await up.next('certificate-issued')).subject, 'stream')
  })

  test('starts again after it was killed', async () => {
    await up.next('ready')
    up.signal('SIGKILL')
    await up.ended
    up = new Background(folder, 'up')
    await up.next('ready')
    assert.match(await play('mtls issue lake'), /2> lake: serial <hex>, until <time>/)
  })

  test('asks once for the key of a root that is away, and goes on when it is there', async () => {
    await up.next('ready')
    const change = (name: string, wider: boolean) => {
      const text = readFileSync(join(folder, name), 'utf8').replace(
        'authority: {',
        `authority: { root: { offline: true },${wider ? ' extra_domains: [a.org],' : ''}`,
      )
      writeFileSync(join(folder, 'next.yaml'), text)
      renameSync(join(folder, 'next.yaml'), join(folder, 'mtls-config.yaml'))
    }
    change('two.yaml', false)
    assert.equal((await up.next('certificate-issued')).subject, 'stream')
    const key = join(folder, 'certs/ca.key')
    renameSync(key, join(folder, 'kept.key'))
    change('two.yaml', true)
    const { detail } = await up.next('root-key-needed')
    assert.deepEqual(detail.keys, [{ slot: 'root-1', path: key }])
    assert.match(detail.message as string, /the key of root-1 is needed at .*, to sign the next issuing CA/)
    assert.match(await play('mtls plan'), /nothing to do without that/)
    renameSync(join(folder, 'kept.key'), key)
    assert.match(await play('mtls apply'), /root-1 lies at .*: take it away/)
    assert.equal((await up.next('issuing-ca-created')).detail.slot, 'issuing-ca-2')
  })

  test('makes sockets and documents again that somebody has removed', async () => {
    const { detail } = await up.next('ready')
    const mesh = join(folder, 'certs/.mtls/mesh')
    rmSync(detail.socket as string)
    // Meanwhile something may be written there.
    rmSync(mesh, { recursive: true, maxRetries: 10 })
    const made = [await up.next('socket-renewed'), await up.next('socket-renewed')]
    assert.deepEqual(
      made.map((event) => event.detail.path),
      [join(mesh, 'mesh.sock'), detail.socket],
    )
    const changes = watch(mesh)
    while (!existsSync(join(mesh, 'head.json'))) await once(changes, 'change')
    changes.close()
    assert.match(await play('mtls issue lake'), /2> lake: serial <hex>, until <time>/)
    assert.equal((await up.next('certificate-issued')).subject, 'lake')
  })

  test('serves metrics, health and readiness, there and then elsewhere', async () => {
    await up.next('ready')
    const serve = async (metrics: string) => {
      const text = readFileSync(join(folder, 'one.yaml'), 'utf8').replace(
        'metrics: none',
        `metrics: "${metrics}"`,
      )
      writeFileSync(join(folder, 'next.yaml'), text)
      renameSync(join(folder, 'next.yaml'), join(folder, 'mtls-config.yaml'))
      return `http://${(await up.next('metrics-served')).detail.address}`
    }
    const url = await serve('127.0.0.1:0')
    const ask = async (path: string) => {
      const answer = await fetch(`${url}${path}`)
      return `${answer.status} ${await answer.text()}`
    }
    assert.deepEqual([await ask('/healthz'), await ask('/readyz')], ['200 ok\n', '200 ok\n'])
    const metrics = await ask('/metrics')
    for (const line of [
      'mtls_ready 1',
      'mtls_services 1',
      'mtls_events_total{kind="certificate-issued"} 1',
      'mtls_events_total{kind="log-alarm"} 0',
      'mtls_revoke_to_enforced_seconds_count 0',
      'mtls_look_failed 0',
    ]) {
      assert.ok(metrics.includes(`\n${line}\n`), line)
    }
    assert.match(metrics, /^mtls_service_certificate_expiry_seconds\{service="lake"\} \d+/m)
    const taken = new URL(url).host
    const elsewhere = await serve('[::1]:0')
    await assert.rejects(fetch(`${url}/healthz`))
    assert.equal((await fetch(`${elsewhere}/healthz`)).status, 200)
    assert.equal(await serve(taken), `http://${taken}`)
  })

  test('ends with the reason when the first apply fails', async () => {
    await up.next('ready')
    up.signal('SIGTERM')
    assert.equal(await up.ended, 0)
    rmSync(join(folder, 'certs/ca.key'))
    assert.match(await play('mtls up'), /the key of root-1 is not at .* \[KEY_MISSING\]\n\[1\]$/)
  })

  for (const path of ['authority/admin.sock', 'mesh/mesh.sock']) {
    test(`ends with the reason when ${path} can't be made`, async () => {
      await up.next('ready')
      up.signal('SIGTERM')
      assert.equal(await up.ended, 0)
      mkdirSync(join(folder, 'certs/.mtls', path))
      assert.match(
        await play('mtls up'),
        new RegExp(
          `${path}: unlink failed with EISDIR; a folder lies .* move it away \\[DISK_FAILED\\]\n\\[1\\]$`,
        ),
      )
    })
  }
})
