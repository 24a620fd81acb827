import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { parseConfig } from '@datapunk/protocol'
import { atEnd } from '@datapunk/testkit'
import { run } from '../../run.ts'
import { WatchedWorld } from '../../testing/watched-world.ts'
import type { Cell } from '../result.ts'
import { type Cast, castOf } from './rehearsal-config.ts'
import { RehearsedMesh } from './rehearsed-mesh.ts'
import { refusedServer, revokedServer } from './server-cases.ts'
import { knock } from './stage.ts'

const quick = { certificates: { key_algorithm: 'ecdsa-p256' } }
const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('mtls-rehearsal-'))

/** `mtls probe --rehearse` of a config, in a folder of its own. */
async function rehearsed(t: TestContext, config: object, ...args: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'rehearsed-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  const file = join(folder, 'mtls-config.yaml')
  writeFileSync(file, JSON.stringify(config))
  const watched = new WatchedWorld()
  const before = leftovers()
  const code = await run(['probe', '--rehearse', '--json', '--config', file, ...args], watched.world)
  assert.deepEqual(readdirSync(folder), ['mtls-config.yaml'], 'nothing is made beside the config')
  assert.deepEqual(
    leftovers().filter((name) => !before.includes(name)),
    [],
  )
  return {
    code,
    ...(JSON.parse(watched.shown) as { cells: Cell[]; services: string[]; cases: { id: string }[] }),
  }
}

const others = (cells: readonly Cell[], usual: readonly string[]) =>
  cells
    .filter(({ verdict }) => !usual.includes(verdict))
    .map((cell) => `${cell.case}: ${cell.verdict} ${cell.evidence}`)

test('a rehearsal finds who may call answered, and everybody else refused for his rule, both ways', async (t) => {
  const services = { lake: { allow: ['nexus'] }, stream: {}, nexus: { min_tls: '1.2' } }
  const { code, cells, cases } = await rehearsed(t, { ...quick, trust_domain: 'service.datapunk', services })
  assert.deepEqual(others(cells, ['refused', 'answered']), [])
  assert.equal(code, 0)
  assert.equal(cells.length, 3 * cases.length)
  assert.deepEqual(
    cells.filter(({ verdict }) => verdict === 'answered').map(({ case: id }) => id),
    ['welcome', 'welcome', 'welcome'],
  )
  for (const cell of cells) assert.ok(cell.verdict === 'answered' || cell.rule, `${cell.case} has a rule`)
})

test('a rehearsal asks nothing of what the config does not require, nor of who is not there', async (t) => {
  const config = {
    certificates: { key_algorithm: 'ed25519', organization: 'Ä & “Söhne”', country: 'DE' },
    ...{ pinning: 'report', transparency: 'off', trust_domain: 'one.example' },
    services: { alone: { allow: [], ocsp_stapling: 'on', dns_names: ['also.one.example'] } },
  }
  const { code, cells } = await rehearsed(t, config)
  assert.equal(code, 0)
  assert.deepEqual(others(cells, ['refused']), [
    'welcome: not-asked nobody may call it',
    'revoked-resumed: not-asked nobody may call it',
    'caller-unpinned: not-asked the config says pinning: report',
    'caller-not-logged: not-asked the config says transparency: off',
    'server-other-service: not-asked nobody but alone plays here',
    'server-unpinned: not-asked the config says pinning: report',
    'server-not-logged: not-asked the config says transparency: off',
  ])
})

test('a service that is alone, and may call itself, is answered', async (t) => {
  const { cells } = await rehearsed(t, { ...quick, services: { alone: {} } })
  const [welcome] = cells.filter(({ case: id }) => id === 'welcome')
  assert.deepEqual([welcome?.verdict, welcome?.evidence], ['answered', 'alone got HTTP 200'])
})

test('a rehearsal of one service takes along only who may call it', () => {
  const services = { a: { allow: ['c'] }, b: {}, c: { allow: ['b'] }, d: { allow: [] } }
  const config = parseConfig(JSON.stringify({ services }), { file: '/mtls-config.yaml' })
  const cast = (...names: string[]): Cast =>
    castOf(
      config,
      names.map((name) => config.services.get(name)!),
    )
  assert.deepEqual(cast('a').members, ['a', 'c'])
  assert.deepEqual(
    [...cast('c', 'b').callers],
    [
      ['c', 'b'],
      ['b', 'c'],
    ],
  )
  assert.deepEqual(cast('d'), { services: ['d'], callers: new Map(), members: ['d'] })
})

test('a rehearsal that is interrupted leaves nothing behind', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rehearsed-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  const file = join(folder, 'mtls-config.yaml')
  writeFileSync(file, JSON.stringify({ ...quick, services: { lake: {}, stream: {} } }))
  const watched = new WatchedWorld()
  const before = leftovers()
  const ending = run(['probe', '--rehearse', '--config', file], watched.world)
  const isThere = () => leftovers().some((name) => !before.includes(name))
  while (!isThere()) await new Promise((resolve) => setImmediate(resolve))
  watched.end()
  assert.equal(await ending, 1)
  assert.match(watched.shown, /interrupted; nothing of it is left \[INTERRUPTED\]/)
  assert.equal(isThere(), false)
})

/** A probe that can't fail is worthless. */
describe('what is not refused', () => {
  const world = new WatchedWorld().world
  let mesh: RehearsedMesh
  let cast: Cast

  before(async () => {
    const text = JSON.stringify({ ...quick, services: { lake: {}, stream: {} } })
    const config = parseConfig(text, { file: '/mtls-config.yaml' })
    cast = castOf(config, [...config.services.values()])
    mesh = await RehearsedMesh.open(config, cast, world)
  })
  after(() => mesh.close())

  const asked = { id: 'x', title: 'x', rules: ['REVOKED'] }

  test('is found: a caller with nothing wrong about him', async () => {
    const cell = await knock({ mesh, cast, world }, 'lake', asked, mesh.pair('stream'))
    assert.deepEqual([cell.verdict, cell.evidence], ['let-in', 'HTTP 200'])
  })

  test('is found: a server that is the one that was meant', async () => {
    const cell = await refusedServer({ mesh, cast, world }, 'lake', revokedServer, mesh.pair('lake'))
    assert.equal(cell.verdict, 'let-in')
    assert.match(cell.evidence, /was connected, and said \d\d bytes/)
  })

  test('is no proof where it was for another rule', async () => {
    const caller = await knock({ mesh, cast, world }, 'lake', asked, {})
    assert.deepEqual([caller.verdict, caller.rule], ['unproven', 'NO_CERTIFICATE'])
    const server = await refusedServer({ mesh, cast, world }, 'lake', revokedServer, mesh.pair('stream'))
    assert.deepEqual([server.verdict, server.rule], ['unproven', 'OTHER_SERVICE'])
  })
})
