import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join as pathOf } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { connect } from 'node:tls'
import { join } from '@datapunk/mesh'
import type { ConsoleAudit, ConsoleDone, ConsoleProblem } from '@datapunk/protocol/console'
import { Ending } from '@datapunk/testkit'
import type { Child } from './child.ts'
import { MeshFolder } from './mesh-folder.ts'
import { mtls, startMtls } from './mtls.ts'
import { OperatorBrowser, operatorPair, type Pair } from './operator-browser.ts'

const rotate = { action: 'rotate', service: 'lake' }

describe('the console of `mtls up`, from elsewhere', () => {
  let mesh: MeshFolder
  let up: Child
  let url: string
  let ending: Ending

  const write = (operators: object) =>
    mesh.write({
      services: { lake: {} },
      authority: {
        ...{ store_ca_keys_in_clear: true, http: '127.0.0.1:0', metrics: 'none' },
        ...{ public_url: 'http://127.0.0.1:7480', console: '0.0.0.0:0' },
      },
      operators,
    })

  const browser = (pair: Pair | undefined): OperatorBrowser => {
    const one = new OperatorBrowser(mesh, url, pair)
    ending.add(() => one.close())
    return one
  }

  beforeEach(async () => {
    mesh = MeshFolder.planned({ services: { lake: {} } })
    ending = new Ending()
    ending.add(() => mesh.remove())
    ending.add(() => up.stop())
    write({ alice: {}, bob: { read_only: true } })
    up = startMtls(['up', '--config', mesh.configFile])
    url = (await up.says(/console served\s+url (\S+)/))[1] ?? ''
    await up.says(/ready:/)
  })

  afterEach(() => ending.end())

  test('an operator comes in by a certificate, and acts in that name', async () => {
    assert.match(url, /^https:\/\/authority\.service\.datapunk:\d+$/)
    const said = await mtls(['console', '--config', mesh.configFile])
    assert.deepEqual([said.code, said.stdout], [0, `${url}\n`])
    assert.match(said.stderr, /for operators, by their certificates: `mtls issue --operator/)

    const alice = browser(await operatorPair(mesh, 'alice'))
    assert.equal((await alice.ask('/')).resume().statusCode, 200)
    assert.equal((await alice.logIn()).readOnly, false)
    const { text } = await alice.post<ConsoleDone>('/api/act', rotate)
    assert.match(text, /^lake has [0-9a-f]{16} now$/)
    const { entries } = await alice.get<ConsoleAudit>('/api/audit')
    const actors = new Set(entries.map(({ actor }) => actor.replace(/ uid \d+/, '')))
    assert.ok(actors.has('console-alice claimed'), [...actors].join('; '))
    assert.match(entries.find(({ text }) => text.includes('operator'))?.text ?? '', /profile operator/)
  })

  test('who may only look does nothing', async () => {
    const bob = browser(await operatorPair(mesh, 'bob'))
    assert.equal((await bob.logIn()).readOnly, true)
    const refused = await bob.post<ConsoleProblem>('/api/act', rotate)
    assert.equal(refused.code, 'READ_ONLY')
  })

  test('whoever else comes hears nothing, and is told of by rule', async () => {
    await assert.rejects(browser(undefined).ask('/'))
    await up.says(/operator refused\s+code NO_CERTIFICATE/)
    const { cert, key } = mesh.pair('lake')
    const lake = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
    await assert.rejects(browser(lake).ask('/'))
    await up.says(
      /operator refused\s+code NOT_AN_OPERATOR, found spiffe:\/\/service\.datapunk\/lake; allowed: /,
    )
  })

  test('an operator is no member: no service lets one in', async () => {
    const lake = await join('lake', { config: mesh.configFile })
    ending.add(() => lake.leave())
    const server = lake.createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    ending.add(() => server.close())
    const refused = once(lake, 'refused')
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    const socket = connect({
      ...(await operatorPair(mesh, 'alice')),
      ...{ port: address.port, host: '127.0.0.1', servername: 'lake.service.datapunk' },
      ca: readFileSync(mesh.caCert),
    })
    let heard = ''
    socket
      .on('error', () => {})
      .on('data', (chunk) => {
        heard += chunk
      })
    socket.write('GET / HTTP/1.1\r\nhost: lake.service.datapunk\r\n\r\n')
    const [refusal] = await refused
    assert.deepEqual([refusal.rule, heard], ['NOT_A_MEMBER', ''])
    socket.destroy()
  })

  test('a certificate that is revoked lets nobody in, and cuts the page that is open', async () => {
    const pair = await operatorPair(mesh, 'alice')
    const file = pathOf(mesh.folder, 'alice.crt')
    writeFileSync(file, pair.cert)
    const alice = browser(pair)
    await alice.logIn()
    const page = await alice.stream()
    const closed = new Promise((resolve) => page.once('close', resolve))
    page.on('error', () => {}).resume()
    const revoking = ['revoke', file, '--reason', 'key-compromise', '--yes', '--config', mesh.configFile]
    assert.equal((await mtls(revoking)).code, 0)
    await assert.rejects(alice.ask('/api/audit'))
    await assert.rejects(browser(pair).ask('/'))
    await closed
    await up.says(/operator refused\s+code REVOKED, found the certificate \S+ of alice, which is revoked/)
    assert.equal((await browser(await operatorPair(mesh, 'alice')).ask('/')).resume().statusCode, 200)
  })

  test('who is taken out of the file comes in no more', async () => {
    const pair = await operatorPair(mesh, 'alice')
    const alice = browser(pair)
    await alice.logIn()
    const page = await alice.stream()
    const closed = new Promise((resolve) => page.once('close', resolve))
    page.on('error', () => {}).resume()
    write({ bob: {} })
    await closed
    await assert.rejects(browser(pair).ask('/'))
    const { code, stderr } = await mtls([
      ...['issue', '--operator', 'alice', '--csr', pathOf(mesh.folder, 'alice.csr')],
      ...['--config', mesh.configFile],
    ])
    assert.equal(code, 1)
    assert.match(stderr, /found no operator alice; allowed: bob/)
  })

  test('its process holds a key of its own, and makes another when it is started again', async () => {
    const alice = await operatorPair(mesh, 'alice')
    const first = browser(alice)
    await first.logIn()
    const children = readFileSync(`/proc/${up.pid}/task/${up.pid}/children`, 'utf8').trim().split(' ')
    const own = children.find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('console-process'),
    )
    process.kill(Number(own), 'SIGKILL')
    url = (await up.says(/console served[\s\S]*console served\s+url (\S+)/))[1] ?? ''
    const again = browser(alice)
    again.session = first.session
    assert.equal((await again.ask('/api/audit')).resume().statusCode, 200)
  })
})
