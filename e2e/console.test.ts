import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync, symlinkSync } from 'node:fs'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { askConsoleLink } from '@datapunk/authority'
import { join, type Mesh } from '@datapunk/mesh'
import type {
  ConsoleAudit,
  ConsoleCertificate,
  ConsoleDone,
  ConsoleLog,
  ConsoleMessage,
  ConsolePlan,
  ConsoleProblem,
  ConsoleProof,
  ConsoleServiceDetail,
  ConsoleSession,
  ConsoleView,
} from '@datapunk/protocol/console'
import { Ending } from '@datapunk/testkit'
import type { Child } from './child.ts'
import { Greeter } from './greeter.ts'
import { MeshFolder } from './mesh-folder.ts'
import { mtls, startMtls } from './mtls.ts'

/** A browser without a window: what the page does, without showing it. */
class Caller {
  readonly #url: string
  readonly session: string

  private constructor(url: string, session: string) {
    this.#url = url
    this.session = session
  }

  /** Logs in with a link as `mtls console` prints it. */
  static async loggedIn(link: string): Promise<Caller> {
    const { origin, hash } = new URL(link)
    const answer = await fetch(`${origin}/api/session`, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json' },
      body: JSON.stringify({ token: hash.slice(1) }),
    })
    const { session } = (await answer.json()) as ConsoleSession
    assert.equal(answer.status, 200)
    return new Caller(origin, session)
  }

  ask(path: string, body?: object): Promise<Response> {
    const headers = { authorization: `Bearer ${this.session}` }
    if (body === undefined) return fetch(`${this.#url}${path}`, { headers })
    return fetch(`${this.#url}${path}`, {
      method: 'POST',
      headers: { ...headers, origin: this.#url, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  }

  logOut(): Promise<Response> {
    const headers = { authorization: `Bearer ${this.session}`, origin: this.#url }
    return fetch(`${this.#url}/api/session`, { method: 'DELETE', headers })
  }

  async get<Result>(path: string): Promise<Result> {
    return (await (await this.ask(path)).json()) as Result
  }

  async post<Result>(path: string, body: object): Promise<Result> {
    return (await (await this.ask(path, body)).json()) as Result
  }

  /** What the page shows, whenever that changes. */
  async *views(): AsyncGenerator<ConsoleView> {
    const answer = await this.ask('/api/stream')
    assert.equal(answer.status, 200)
    let view: ConsoleView | undefined
    let rest = ''
    for await (const text of answer.body!.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const message: ConsoleMessage = JSON.parse(line)
        if (message.type === 'view') view = message.view
        else if (message.type === 'change' && view !== undefined) view = changed(view, message)
        else continue
        if (view !== undefined) yield view
      }
    }
  }

  async untilShown(holds: (view: ConsoleView) => boolean): Promise<ConsoleView> {
    for await (const view of this.views()) if (holds(view)) return view
    throw new TypeError('the stream has ended before that was shown')
  }
}

function changed(view: ConsoleView, change: Extract<ConsoleMessage, { type: 'change' }>): ConsoleView {
  const { type: _, services = [], gone = [], ...parts } = change
  const rows = new Map([...view.services, ...services].map((row) => [row.service, row]))
  for (const name of gone) rows.delete(name)
  return { ...view, ...parts, services: [...rows.values()] }
}

describe('the console of `mtls up`', () => {
  let mesh: MeshFolder
  let up: Child
  let url: string
  let ending: Ending

  async function start(port = 0): Promise<void> {
    const authority = { store_ca_keys_in_clear: true, http: '127.0.0.1:0', metrics: 'none' }
    mesh.write({
      services: { lake: {}, nexus: {} },
      authority: { ...authority, public_url: 'http://127.0.0.1:7480', console: `127.0.0.1:${port}` },
    })
    up = startMtls(['up', '--config', mesh.configFile])
    url = (await up.says(/console served\s+url (\S+)/))[1] ?? ''
    await up.says(/ready:/)
  }

  const link = (readOnly = false) =>
    askConsoleLink(mesh.layout.authority.adminSocket, { readOnly }, { purpose: 'console' })

  const joined = async (service: string): Promise<Mesh> => {
    const one = await join(service, { config: mesh.configFile })
    ending.add(() => one.leave())
    return one
  }

  beforeEach(async () => {
    mesh = MeshFolder.planned({ services: { lake: {}, nexus: {} } })
    ending = new Ending()
    ending.add(() => mesh.remove())
    ending.add(() => up.stop())
    await start()
  })

  afterEach(() => ending.end())

  test('shows who calls whom, and a revocation that cuts, with the time it took', async () => {
    const lake = await Greeter.start(mesh, 'lake')
    ending.add(() => lake.stop())
    const nexus = await joined('nexus')
    await (await nexus.fetch(lake.url)).text()
    const caller = await Caller.loggedIn((await link()).url)
    const { services } = await caller.untilShown(({ links }) => links.length > 0)
    assert.deepEqual(
      services.map(({ service, state }) => [service, state]),
      [
        ['lake', 'good'],
        ['nexus', 'good'],
      ],
    )
    const action = { action: 'revoke', target: { service: 'nexus' }, reason: 'key-compromise' }
    // Lake reports its end of the connection by itself, at most two seconds later.
    let plan = ''
    while (!plan.includes('1 open connection of lake to it cut at once'))
      plan = JSON.stringify(await caller.post<ConsolePlan>('/api/plan', action))
    const shown = caller.untilShown(
      ({ links, revocations }) => links.length === 0 && typeof revocations[0]?.enforcedAfter === 'number',
    )
    const done = await caller.post<ConsoleDone>('/api/act', action)
    assert.match(done.text, /1 certificate revoked; enforced by 1 of 1 live peer after \d+ ms/)
    const { revocations, services: after } = await shown
    assert.deepEqual([revocations[0]?.service, revocations[0]?.reason], ['nexus', 'key-compromise'])
    assert.deepEqual(
      after.map(({ service, state, barred }) => [service, state, barred]),
      [
        ['lake', 'good', false],
        ['nexus', 'bad', true],
      ],
    )
    const { entries } = await caller.get<ConsoleAudit>('/api/audit')
    assert.match(entries.find(({ deed }) => deed === 'revoked')?.actor ?? '', /^console .*claimed$/)
  })

  test('shows certificates, pins, staple and peers of a service, and proves them to be logged', async () => {
    await joined('lake')
    const caller = await Caller.loggedIn((await link()).url)
    await caller.untilShown(({ services }) => services.some(({ state }) => state === 'good'))
    const { certificates, pins, peers } = await caller.get<ConsoleServiceDetail>('/api/service?service=lake')
    const [{ serial, state, staple }] = certificates as [ConsoleCertificate]
    const pair = new X509Certificate(readFileSync(mesh.pair('lake').cert))
    // Without the octet that keeps it positive.
    assert.deepEqual([serial.replace(/^00/, ''), state], [pair.serialNumber.toLowerCase(), 'current'])
    assert.equal(staple?.status, 'good')
    assert.deepEqual(pins.map((pin) => pin.of).sort(), ['current', 'next'])
    assert.deepEqual(
      peers.map((peer) => peer.serial),
      [serial],
    )
    const log = await caller.get<ConsoleLog>('/api/log')
    assert.ok(log.entries.some((entry) => entry.serial === serial))
    const proof = await caller.get<ConsoleProof>(`/api/proof?serial=${serial}`)
    assert.match(proof.checkpoint, new RegExp(`^${proof.origin}\n${log.size}\n`))
    assert.equal((await caller.ask(`/api/proof?serial=${'0'.repeat(16)}`)).status, 404)
  })

  test('lets a session go on over a restart of the authority, and over the end of its own process', async () => {
    const { port } = new URL(url)
    const caller = await Caller.loggedIn((await link()).url)
    await caller.untilShown(() => true)
    await up.stop()
    await assert.rejects(caller.ask('/api/audit'))
    await start(Number(port))
    await caller.untilShown(({ services }) => services.length === 2)
    const file = mesh.layout.authority.consoleSessions
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.ok(!readFileSync(file, 'utf8').includes(caller.session))

    const children = readFileSync(`/proc/${up.pid}/task/${up.pid}/children`, 'utf8').trim().split(' ')
    const own = children.find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('console-process'),
    )
    process.kill(Number(own), 'SIGKILL')
    await up.says(/console served[\s\S]*console served/)
    await caller.untilShown(({ services }) => services.length === 2)
  })

  test('who logs out while the disk is full is out, and stays it over a restart', async () => {
    const { port } = new URL(url)
    const [one, other] = [
      await Caller.loggedIn((await link()).url),
      await Caller.loggedIn((await link()).url),
    ]
    // Linux answers every write to it with ENOSPC.
    symlinkSync('/dev/full', `${mesh.layout.authority.consoleSessions}.next`)
    const answer = await one.logOut()
    const { code, message } = (await answer.json()) as ConsoleProblem
    assert.deepEqual([answer.status, code], [500, 'SESSIONS_NOT_KEPT'])
    assert.match(message, /ENOSPC.*You are logged out\. Its next start logs out everybody/)
    await up.says(/console sessions failed\s.*ENOSPC/)
    const statuses = () =>
      Promise.all([one, other].map(async (caller) => (await caller.ask('/api/audit')).status))
    assert.deepEqual(await statuses(), [401, 200])
    await up.stop()
    await start(Number(port))
    assert.deepEqual(await statuses(), [401, 401])
  })

  test('with a link to look does nothing', async () => {
    const caller = await Caller.loggedIn((await link(true)).url)
    const action = { action: 'rotate', service: 'lake' }
    assert.equal((await caller.ask('/api/plan', action)).status, 200)
    const refused = await caller.ask('/api/act', action)
    assert.deepEqual([refused.status, ((await refused.json()) as ConsoleProblem).code], [403, 'READ_ONLY'])
    const { entries } = await caller.get<ConsoleAudit>('/api/audit')
    assert.ok(entries.length > 0 && entries.every(({ actor }) => !actor.startsWith('console')))
  })

  test('a link goes to a terminal, and nowhere else', async () => {
    const { code, stdout, stderr } = await mtls(['console', '--config', mesh.configFile])
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /found no terminal; allowed: one/)
  })

  test('where the config says none there is none, and the authority says so', async () => {
    const text = readFileSync(mesh.configFile, 'utf8')
    mesh.write({ ...JSON.parse(text), authority: { ...JSON.parse(text).authority, console: 'none' } })
    let said: unknown
    while (!String(said).includes('authority.console: none'))
      said = await link().catch((error: Error) => error.message)
    await assert.rejects(fetch(url))
  })
})
