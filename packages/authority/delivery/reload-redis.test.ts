import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { oids } from '@datapunk/pki'
import { atEnd, type TestOverrides, testExtension } from '@datapunk/testkit'
import type { ReloadFiles } from '../engine/handover.ts'
import { runReload } from './reload.ts'
import type { ReloadOptions } from './reload-options.ts'
import { failureOf, serving, silentServer } from './testing/answering.ts'
import { TlsFolder } from './testing/tls-folder.ts'

const paths: ReloadFiles = {
  cert: '/certs/cache.crt',
  key: '/certs/cache.key',
  caCert: '/certs/ca.crt',
  crl: '/certs/ca.crl',
}

function ask(url: string, files = paths, options: Partial<ReloadOptions> = {}): Promise<void> {
  return runReload({ kind: 'redis', url }, files, {
    ...{ service: 'cache', environment: {}, clock: Date.now, timeout: 60_000 },
    ...options,
  })
}

/** Reads commands as RESP arrays of bulk strings without line ends in them; https://redis.io/docs/latest/develop/reference/protocol-spec/ */
class FakeRedis {
  readonly heard: string[][] = []
  readonly #answers: Readonly<Record<string, string>>

  /** @param answers by the command's first word; anything else is answered `+OK` */
  constructor(answers: Readonly<Record<string, string>> = {}) {
    this.#answers = answers
  }

  readonly attach = (socket: Socket): void => {
    let text = ''
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      text += bytes
      for (let match = commandAt(text); match !== undefined; match = commandAt(text)) {
        text = text.slice(match.length)
        this.heard.push(match.words)
        socket.write(`${this.#answers[match.words[0]!] ?? '+OK'}\r\n`)
      }
    })
  }
}

function commandAt(text: string): { words: string[]; length: number } | undefined {
  const lines = text.split('\r\n')
  const count = Number(lines[0]?.slice(1))
  if (lines.length <= 1 + 2 * count || count === 0) return undefined
  const taken = lines.slice(0, 1 + 2 * count)
  return { words: taken.filter((_, n) => n > 0 && n % 2 === 0), length: taken.join('\r\n').length + 2 }
}

const configSet = ({ cert, key, caCert }: ReloadFiles) => [
  ...['CONFIG', 'SET', 'tls-cert-file', cert, 'tls-key-file', key, 'tls-ca-cert-file', caCert],
]

async function plain(t: TestContext, answers?: Readonly<Record<string, string>>) {
  const redis = new FakeRedis(answers)
  return { redis, port: await serving(t, createServer(redis.attach)) }
}

test('Redis gets the three paths in one command, and nothing else', async (t) => {
  const { redis, port } = await plain(t)
  await ask(`redis://127.0.0.1:${port}`)
  assert.deepEqual(redis.heard, [configSet(paths)])
})

test('Redis gets user and password first', async (t) => {
  const { redis, port } = await plain(t)
  await ask(`redis://op:s%33cret@127.0.0.1:${port}`)
  assert.deepEqual(redis.heard, [['AUTH', 'op', 's3cret'], configSet(paths)])
})

test('Redis is reached by a socket', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'reload-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  const redis = new FakeRedis()
  await serving(t, createServer(redis.attach), { path: join(folder, 'redis.sock') })
  await ask(`unix://:s3cret@${folder}/redis.sock`)
  assert.deepEqual(redis.heard.at(-1), configSet(paths))
  const { message } = await failureOf(ask(`unix://:s3cret@${folder}/other.sock`))
  assert.match(
    message,
    /Redis at \/.*\/other\.sock: .*ENOENT.*\. Start it, or correct the socket in services\.cache\.reload/,
  )
})

describe('what Redis refuses is shown with what mends it, and without the password', () => {
  const unknown = "-ERR unknown command 'CONFIG', with args beginning with: 's3cre"
  const refusals: readonly (readonly [command: string, answer: string, message: RegExp])[] = [
    [
      'AUTH',
      '-WRONGPASS invalid username-password pair: s3cret',
      /WRONGPASS .*Correct user and password in services/,
    ],
    ['AUTH', '-ERR AUTH <password> called without any password configured', /Correct user and password/],
    ['CONFIG', '-NOAUTH Authentication required.', /Put user and password into services\.cache\.reload/],
    ['CONFIG', "-NOPERM User op has no permissions to run the 'config|set' command", /ACL SETUSER/],
    [
      'CONFIG',
      "-ERR CONFIG SET failed (possibly related to argument 'tls-cert-file') - Unable to update",
      /Its log says why/,
    ],
    [
      'CONFIG',
      "-ERR Unknown subcommand or wrong number of arguments for 'set'. Try CONFIG HELP.",
      /Redis 7 or later/,
    ],
    ['CONFIG', unknown, /unknown command 'CONFIG'\. It takes Redis 7/],
    [
      'CONFIG',
      '-LOADING Redis is \u001b[31mloading',
      /: LOADING Redis is loading\. Mend that, or correct services/,
    ],
  ]
  for (const [command, answer, message] of refusals) {
    test(answer.slice(1, 40), async (t) => {
      const { port } = await plain(t, { [command]: answer })
      const error = await failureOf(ask(`redis://op:s3cret@127.0.0.1:${port}`))
      assert.match(error.message, message)
      assert.match(error.message, new RegExp(`Redis at 127\\.0\\.0\\.1:${port}: `))
    })
  }
})

test('a Redis that is not there, or says nothing, or hangs up, is shown as that', async (t) => {
  const { server, left } = silentServer()
  const port = await serving(t, server)
  const silent = await failureOf(ask(`redis://:s3cret@127.0.0.1:${port}`, paths, { timeout: 200 }))
  assert.match(
    silent.message,
    /Redis at .* did not answer within 0\.2 s\. Restart it, or correct host and port/,
  )
  await left

  const rude = await serving(
    t,
    createServer((socket) => socket.destroy()),
  )
  await failureOf(ask(`redis://:s3cret@127.0.0.1:${rude}`))

  const closing = createServer()
  const gone = await serving(t, closing)
  closing.close()
  const { message } = await failureOf(ask(`redis://:s3cret@127.0.0.1:${gone}`))
  assert.match(message, /ECONNREFUSED.*\. Start it, or correct host and port in services\.cache\.reload/)
})

test('whoever no longer wants it does not wait for it', async (t) => {
  for (const scheme of ['redis', 'rediss']) {
    const { server, left } = silentServer()
    const port = await serving(t, server)
    const ending = new AbortController()
    server.once('connection', () => ending.abort(new Error('enough')))
    const folder = await TlsFolder.create(t)
    const running = ask(`${scheme}://127.0.0.1:${port}`, await folder.files('cache'), {
      signal: ending.signal,
    })
    await assert.rejects(running, /^Error: enough$/)
    await left
  }
})

test('a URL that is none shows nothing of itself', async () => {
  for (const url of [
    'redis://u:s3cret@h/path',
    'redis://u:s3cret@h:0x/',
    'other://u:s3cret@h',
    'redis://u:%s3cret@h',
  ]) {
    await failureOf(ask(url))
  }
})

describe('over TLS', () => {
  async function secure(t: TestContext, overrides?: TestOverrides, folder?: TlsFolder) {
    const mesh = folder ?? (await TlsFolder.create(t))
    const redis = new FakeRedis()
    const server = createTlsServer(await mesh.server('cache', overrides), redis.attach)
    server.on('tlsClientError', () => {})
    return { mesh, redis, port: await serving(t, server), files: await mesh.files('cache') }
  }

  test('Redis sees the service’s own certificate, and is known by its address', async (t) => {
    const { redis, port, files } = await secure(t)
    await ask(`rediss://127.0.0.1:${port}`, files)
    assert.deepEqual(redis.heard, [configSet(files)])
  })

  test('what a service has put in the place of its key is not waited for', async (t) => {
    const { port, files } = await secure(t)
    rmSync(files.key)
    execFileSync('mkfifo', ['-m', '0600', files.key])
    const { message } = await failureOf(ask(`rediss://127.0.0.1:${port}`, files))
    assert.match(message, /cache\.key is no regular file/)
  })

  const alt = (names: Parameters<typeof testExtension.subjectAltName>[0]) => ({
    extensions: { subjectAltName: testExtension.subjectAltName(names) },
  })
  const bad: Readonly<Record<string, TestOverrides>> = {
    'of another name': alt({ dnsNames: ['lake.service.datapunk'] }),
    'of another address': alt({ ipAddresses: ['127.0.0.2'] }),
    'with the address as its common name alone': {
      ...alt({ dnsNames: ['cache.service.datapunk'] }),
      subject: { commonName: '127.0.0.1' },
    },
    'that is for clients alone': {
      extensions: { extendedKeyUsage: testExtension.extendedKeyUsage([oids.clientAuth]) },
    },
    'without any usage': { extensions: { extendedKeyUsage: null } },
    'that has ended': { notAfter: Date.now() - 60_000 },
  }
  for (const [fault, overrides] of Object.entries(bad)) {
    test(`a certificate ${fault} is refused before anything is said`, async (t) => {
      const { redis, port, files } = await secure(t, overrides)
      const { message } = await failureOf(ask(`rediss://:s3cret@127.0.0.1:${port}`, files))
      assert.match(message, /The certificate it shows is not one that this mesh accepts .* restart it/)
      assert.deepEqual(redis.heard, [])
    })
  }

  test('a certificate of another mesh is refused', async (t) => {
    const { redis, port } = await secure(t)
    const other = await TlsFolder.create(t)
    const { message } = await failureOf(ask(`rediss://:s3cret@127.0.0.1:${port}`, await other.files('cache')))
    assert.match(message, /not one that this mesh accepts/)
    assert.deepEqual(redis.heard, [])
  })

  test('it is the clock’s moment that counts', async (t) => {
    const { port, files } = await secure(t)
    const clock = () => Date.now() + 400 * 86_400_000
    await failureOf(ask(`rediss://127.0.0.1:${port}`, files, { clock }))
  })

  test('a server that speaks none is shown as that', async (t) => {
    const mesh = await TlsFolder.create(t)
    const server = createServer((socket) => socket.end('-ERR Protocol error\r\n'))
    const port = await serving(t, server)
    const { message } = await failureOf(ask(`rediss://127.0.0.1:${port}`, await mesh.files('cache')))
    assert.match(message, /It speaks no TLS there: correct scheme and port in services\.cache\.reload/)
  })

  test('files that can’t be read are named', async () => {
    const { message } = await failureOf(ask('rediss://127.0.0.1:1', paths))
    assert.match(message, /\/certs\/ca\.crt can't be read \(ENOENT\)/)
  })
})
