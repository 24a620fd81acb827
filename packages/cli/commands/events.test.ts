import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { createServer as createSocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type Authority, type EventBook, serveAdmin } from '@datapunk/authority'
import { layoutOf, parseConfig } from '@datapunk/protocol'
import { atEnd } from '@datapunk/testkit'
import { run } from '../run.ts'
import { asNobody } from '../testing/as-nobody.ts'
import { Background } from '../testing/background.ts'
import { prepareFiles } from '../testing/prepared-files.ts'
import { playTranscript } from '../testing/transcript.ts'
import { WatchedWorld } from '../testing/watched-world.ts'

describe('events', () => {
  let folder: string
  let background: Background[]
  const start = (...args: string[]) => {
    const started = new Background(folder, ...args)
    background.push(started)
    return started
  }
  const play = (command: string) => playTranscript(`$ ${command}`, folder)

  beforeEach(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'mtls-')))
    await prepareFiles(folder)
    copyFileSync(join(folder, 'one.yaml'), join(folder, 'mtls-config.yaml'))
    background = []
  })
  afterEach(async () => {
    for (const one of background) one.signal('SIGKILL')
    await Promise.all(background.map(({ ended }) => ended))
    rmSync(folder, { recursive: true })
  })

  test('follows, with what is kept first, over a new start of `mtls up`, until Ctrl-C', async () => {
    const follower = start('events', '--follow')
    const up = start('up')
    const [told, followed] = [await up.next('certificate-issued'), await follower.next('certificate-issued')]
    assert.deepEqual(followed, told)
    assert.deepEqual(await follower.next('ready'), await up.next('ready'))

    await play('mtls issue lake')
    assert.deepEqual(await follower.next('certificate-issued'), await up.next('certificate-issued'))

    up.signal('SIGKILL')
    await up.ended
    const again = start('up')
    assert.deepEqual(await follower.next('ready'), await again.next('ready'))
    follower.signal('SIGINT')
    assert.equal(await follower.ended, 0)
  })

  test('follows on where somebody hangs up, as `mtls up` does when it ends', async () => {
    const file = join(folder, 'mtls-config.yaml')
    const socket = layoutOf(parseConfig(readFileSync(file), { file })).authority.adminSocket
    mkdirSync(dirname(socket), { recursive: true, mode: 0o700 })
    const ending = createSocketServer((connection) => connection.destroy()).listen(socket)
    const follower = start('events', '--follow')
    await once(ending, 'connection')
    ending.close()
    await once(ending, 'close')
    const up = start('up')
    assert.deepEqual(await follower.next('ready'), await up.next('ready'))
  })

  test('says how many were missed, in their place', async (t) => {
    const file = join(folder, 'mtls-config.yaml')
    const socket = layoutOf(parseConfig(readFileSync(file), { file })).authority.adminSocket
    const kept = [1, 2, 7].map((number) => {
      const event = {
        kind: 'ready',
        subject: 'mesh',
        at: '2026-11-23T21:51:00.000Z',
        detail: { message: `no. ${number}` },
      }
      return { position: `a.${number}`, event }
    })
    const events = { after: () => kept } as unknown as EventBook
    mkdirSync(dirname(socket), { recursive: true })
    const admin = await serveAdmin({ checkPlace: () => {} } as Authority, socket, { events })
    atEnd(t, () => admin.close())
    const told = (await play('mtls events')).split('\n').slice(1)
    assert.match(told[1]!, /ready: no\. 2$/)
    assert.match(
      told[2]!,
      /4 events came faster than they were read, and are kept no longer; `mtls audit` has/,
    )
    assert.match(told[3]!, /ready: no\. 7$/)
  })

  test('shows what is kept, and ends; where no `mtls up` runs, it says so', async () => {
    assert.match(
      await play('mtls events'),
      /no authority serves .*`mtls up` starts it \[ADMIN_UNREACHABLE\]\n\[1\]$/,
    )
    const up = start('up')
    await up.next('ready')
    chmodSync(folder, 0o755)
    const watched = new WatchedWorld()
    // Without root's rights the socket of the authority is closed, unless it is one's own.
    if (process.geteuid?.() === 0) {
      const args = ['events', '--config', join(folder, 'mtls-config.yaml')]
      assert.equal(await asNobody(() => run(args, watched.world)), 1)
      assert.match(
        watched.shown,
        /admin\.sock closed to this user \(EACCES\), so whether `mtls up` runs there can’t be told; allowed: to ask as root \(uid 0\) \[ADMIN_FORBIDDEN\]/,
      )
    }
    const played = await play('mtls events')
    assert.match(played, /<time> +lake +certificate issued +instance lake, serial <serial>/)
    assert.match(played, /<time> +ready: bundle 1\.2, 1 service$/)
  })
})
