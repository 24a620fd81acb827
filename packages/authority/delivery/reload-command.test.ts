import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  createReadStream,
  mkdtempSync,
  type ReadStream,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { AuthorityError } from '../error.ts'
import { runReload } from './reload.ts'
import type { ReloadOptions } from './reload-options.ts'

const files = { cert: '/certs/web.crt', key: '/certs/web.key', caCert: '/certs/ca.crt', crl: '/certs/ca.crl' }

/** Longer than any test takes: what ends earlier was ended by something else. */
const LONG = 600_000

function run(command: readonly string[], options: Partial<ReloadOptions> & { limit?: number } = {}) {
  const { limit = LONG, ...others } = options
  return runReload({ kind: 'command', command, timeout: limit }, files, {
    service: 'web',
    environment: process.env,
    clock: Date.now,
    ...others,
  })
}

const shell = (script: string, ...args: readonly string[]) => ['/bin/sh', '-c', script, ...args]

async function failureOf(running: Promise<void>): Promise<AuthorityError> {
  try {
    await running
  } catch (error) {
    assert.ok(error instanceof AuthorityError, String(error))
    assert.equal(error.code, 'RELOAD_FAILED')
    assert.match(error.message, /^web was not told that its files have changed: /)
    assert.equal(error.data.setting, 'services.web.reload')
    return error
  }
  return assert.fail('it did not fail')
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'reload-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  return folder
}

/** A named pipe: what is written into it is heard, and it ends when the last process that holds it open has ended. */
class Pipe {
  readonly path: string
  readonly #stream: ReadStream
  #heard = ''

  constructor(t: TestContext) {
    this.path = join(folderOf(t), 'pipe')
    execFileSync('mkfifo', [this.path])
    this.#stream = createReadStream(this.path, 'utf8')
    this.#stream.on('data', (text) => (this.#heard += text))
  }

  async firstLine(): Promise<string> {
    while (!this.#heard.includes('\n')) await once(this.#stream, 'data')
    return this.#heard.split('\n')[0]!
  }

  /** @returns all that was heard */
  async ended(): Promise<string> {
    if (!this.#stream.readableEnded) await once(this.#stream, 'end')
    return this.#heard
  }
}

describe('a command', { concurrency: true }, () => {
  test('gets a clean environment, the paths of its files, and no input', async (t) => {
    const file = join(folderOf(t), 'seen')
    const script = `let input = require('node:fs').readFileSync(0, 'utf8')
      require('node:fs').writeFileSync(process.argv[1], JSON.stringify({ env: process.env, input, cwd: process.cwd() }))`
    const passedOn = { PATH: '/usr/bin:/bin', HOME: '/root', LANG: 'C.UTF-8', LC_ALL: 'C', LC_TIME: 'de_DE' }
    const kept = {
      ...{ MTLS_CA_PASSPHRASE: 's3cret', CREDENTIALS_DIRECTORY: '/run/credentials', MTLS_CERT: '/other' },
      ...{
        NODE_OPTIONS: '--no-warnings',
        LD_PRELOAD: '',
        PGPASSWORD: 's3cret',
        LC_: 'x',
        LANGUAGE: undefined,
      },
    }
    await run([process.execPath, '-e', script, file], { environment: { ...passedOn, ...kept } })
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), {
      env: {
        ...passedOn,
        MTLS_CERT: files.cert,
        MTLS_KEY: files.key,
        MTLS_CA_CERT: files.caCert,
        MTLS_CRL: files.crl,
      },
      input: '',
      cwd: '/',
    })
  })

  test('is found where programs lie when nobody says it', () => run(['true'], { environment: {} }))

  test('gets its arguments as they are, without a shell', async (t) => {
    const folder = folderOf(t)
    const words = ['$HOME', '*', ';', 'touch', '`x`', 'a  b', "'", '']
    const script = 'require("node:fs").writeFileSync(process.argv[1], JSON.stringify(process.argv.slice(2)))'
    await run([process.execPath, '-e', script, join(folder, 'seen'), ...words])
    assert.deepEqual(JSON.parse(readFileSync(join(folder, 'seen'), 'utf8')), words)
  })

  test('that ends badly is shown with its code and its last words, and without its arguments', async () => {
    const script = 'echo one; echo two >&2; exit 3'
    const error = await failureOf(run(shell(script, '--password=s3cret')))
    assert.match(error.message, /: \/bin\/sh ended with exit code 3\. Run it by hand .*services\.web\.reload/)
    assert.deepEqual(new Set(String(error.data.output).split('\n')), new Set(['one', 'two']))
    assert.ok(error.message.includes('It said:\n  '), error.message)
    assert.doesNotMatch(JSON.stringify(error.data) + error.stack, /s3cret/)
  })

  test('that is killed by a signal is shown with it', async () => {
    const error = await failureOf(run(shell('kill -USR1 $$')))
    assert.match(error.message, /\/bin\/sh ended with SIGUSR1\. /)
  })

  test('can’t write to the terminal of who reads the error', async () => {
    const error = await failureOf(
      run(shell("printf '\\033[31mred\\033[0m\\a \\033]0;title\\a\\r\\nb\\303\\n'; exit 1")),
    )
    assert.equal(error.data.output, 'red\nb\uFFFD')
  })

  test('that says 100 MB is read to the end, and its last 2 kB are kept', async () => {
    const script = 'head -c 100000000 /dev/zero | tr "\\0" x; echo "the end"; exit 1'
    const { data } = await failureOf(run(shell(script)))
    assert.equal(data.output, `${'x'.repeat(2048 - 'the end\n'.length)}the end`)
  })

  test('that hangs is ended when its time is over', async () => {
    const error = await failureOf(run(shell('echo waiting; exec sleep 1000'), { limit: 500 }))
    assert.match(
      error.message,
      /\/bin\/sh took longer than 0\.5 s and was killed\. .*services\.web\.reload\.timeout/,
    )
    assert.equal(error.data.timeout, 500)
  })

  test('that is no longer wanted is ended, with all it has started', async (t) => {
    const pipe = new Pipe(t)
    const script = 'exec 3>"$0"; sleep 1000 & (sleep 1000 >/dev/null 2>&1 &); echo ready >&3; wait'
    const ending = new AbortController()
    const running = run(shell(script, pipe.path), { signal: ending.signal })
    assert.equal(await pipe.firstLine(), 'ready')
    ending.abort(new Error('enough'))
    await assert.rejects(running, /^Error: enough$/)
    assert.equal(await pipe.ended(), 'ready\n')
  })

  test('that ignores SIGTERM is killed, with all it has started', async (t) => {
    const pipe = new Pipe(t)
    const script = `exec 3>"$0"; trap 'echo asked >&3' TERM
      (trap '' TERM; echo ready >&3; while :; do sleep 1000; done) & while :; do wait; done`
    const ending = new AbortController()
    const running = run(shell(script, pipe.path), { signal: ending.signal })
    assert.equal(await pipe.firstLine(), 'ready')
    ending.abort(new Error('enough'))
    await assert.rejects(running, /enough/)
    assert.equal(await pipe.ended(), 'ready\nasked\n')
  })

  for (const code of [0, 1]) {
    test(`that ends with ${code} keeps nobody waiting for what it leaves running`, async (t) => {
      const pipe = new Pipe(t)
      const running = run(shell(`exec 3>"$0"; sleep 1000 & echo $! >&3; exit ${code}`, pipe.path))
      const left = Number(await pipe.firstLine())
      if (code === 0) await running
      else await failureOf(running)
      process.kill(left)
      assert.equal(await pipe.ended(), `${left}\n`)
    })
  }

  test('does nothing once it is no longer wanted', async (t) => {
    const file = join(folderOf(t), 'seen')
    const signal = AbortSignal.abort(new Error('enough'))
    await assert.rejects(run(['touch', file], { signal }), /enough/)
    assert.throws(() => readFileSync(file), { code: 'ENOENT' })
  })

  test('that is not there is shown with where it was looked for', async () => {
    const environment = { PATH: '/nowhere:/usr/nowhere' }
    const { message, data, cause } = await failureOf(run(['sh', 's3cret'], { environment }))
    assert.match(
      message,
      /there is no program sh in \/nowhere:\/usr\/nowhere\. Install it, or give its absolute path/,
    )
    assert.equal(data.code, 'ENOENT')
    assert.equal((cause as { code?: string }).code, 'ENOENT')
    assert.doesNotMatch(JSON.stringify([message, cause, (cause as Error).stack]), /s3cret/)
    for (const program of ['/nowhere/nginx', './nginx']) {
      assert.match((await failureOf(run([program]))).message, new RegExp(`no program ${program}\\. Install`))
    }
  })

  test('that can’t be run is shown with what makes it so', async (t) => {
    const program = join(folderOf(t), 'program')
    writeFileSync(program, '#!/bin/sh\n')
    chmodSync(program, 0o644)
    for (const found of [program, tmpdir()]) {
      const { message } = await failureOf(run([found]))
      assert.match(message, /can't be run \(EACCES\)\. Make it executable .*chmod \+x/)
    }
    const { message } = await failureOf(run(['a\0b']))
    assert.match(message, /can't be run \(ERR_INVALID_ARG_VALUE\)/)
  })
})
