import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { allCommands } from '../commands/command-specs.ts'
import { run } from '../run.ts'
import { JsonLedger } from '../testing/json-ledger.ts'
import { prepareFiles } from '../testing/prepared-files.ts'
import { WatchedWorld } from '../testing/watched-world.ts'

/** A call, `HERE` for the folder, and the form that it prints: the command, unless it is said. */
type Call = readonly [line: string, form?: string]

/** One after the other, in a folder where there is nothing yet. */
const calls: readonly Call[] = [
  ['init --config HERE/new.yaml'],
  ['schema'],
  ['schema --command status', 'schema'],
  ['completion bash'],
  ['completion --services --config HERE/two.yaml', 'completion with --services'],
  ['plan --config HERE/two.yaml'],
  ['status --config HERE/two.yaml'],
  ['doctor --config HERE/two.yaml'],
  ['apply --config HERE/two.yaml'],
  ['apply --config HERE/one.yaml'],
  ['plan --config HERE/one.yaml'],
  ['apply --config HERE/one.yaml --yes --purge'],
  ['apply --config HERE/two.yaml'],
  ['apply --config HERE/wider.yaml'],
  ['plan --config HERE/offline.yaml'],
  ['apply --config HERE/two.yaml --yes'],
  ['issue lake --config HERE/two.yaml'],
  ['issue stream --csr HERE/lake.csr --out HERE/out.crt --config HERE/two.yaml'],
  ['issue --operator alice --csr HERE/lake.csr --config HERE/operators.yaml', 'issue with --operator'],
  ['inspect HERE/certs/lake.crt'],
  ['inspect HERE/certs/ca.crt'],
  ['inspect HERE/certs/ca.crl'],
  ['inspect HERE/lake.csr'],
  ['verify HERE/certs/lake.crt --config HERE/two.yaml'],
  ['verify HERE/other-lake.crt --config HERE/two.yaml'],
  ['verify HERE/certs/ca.crt --config HERE/two.yaml'],
  ['why stream lake --config HERE/two.yaml'],
  ['why lake stream --config HERE/two.yaml --certificate HERE/other-lake.crt'],
  ['pins --config HERE/two.yaml'],
  ['pins --suspend 1h --config HERE/two.yaml', 'pins with --suspend or --resume'],
  ['status --config HERE/two.yaml'],
  ['pins --resume --config HERE/two.yaml', 'pins with --suspend or --resume'],
  ['rotate lake --config HERE/two.yaml --plan', 'rotate with --plan'],
  ['rotate lake --config HERE/two.yaml'],
  ['rotate lake --back --config HERE/two.yaml'],
  ['rotate --issuing-ca --config HERE/two.yaml'],
  ['revoke lake --plan --config HERE/two.yaml', 'revoke with --plan'],
  ['revoke lake --yes --config HERE/two.yaml'],
  ['revoke lake --yes --config HERE/two.yaml'],
  ['issue lake --config HERE/two.yaml'],
  ['compromise lake --plan --config HERE/two.yaml', 'compromise of a service, with --plan'],
  ['compromise lake --reissue --config HERE/two.yaml', 'compromise of a service'],
  ['compromise --bundle-key --plan --config HERE/two.yaml', 'compromise of a key, with --plan'],
  ['compromise --bundle-key --yes --config HERE/two.yaml', 'compromise of a key'],
  ['log list --config HERE/two.yaml', 'log list'],
  ['log show 0 --config HERE/two.yaml', 'log show'],
  ['log show HERE/certs/lake.crt --config HERE/two.yaml', 'log show'],
  ['log prove HERE/certs/lake.crt --config HERE/two.yaml', 'log prove'],
  ['log verify --config HERE/two.yaml', 'log verify'],
  ['log export HERE/copy --config HERE/two.yaml', 'log export'],
  ['log watch --once --config HERE/two.yaml', 'log watch'],
  ['audit --config HERE/two.yaml'],
  ['audit verify --config HERE/two.yaml', 'audit verify'],
  ['backup HERE/mesh.backup --passphrase-file HERE/passphrase --config HERE/two.yaml'],
  ['restore HERE/mesh.backup --passphrase-file HERE/passphrase --replace --config HERE/two.yaml'],
  ['apply --config HERE/two.yaml'],
  ['restore --continue --yes --config HERE/two.yaml', 'restore with --continue'],
  ['apply --config HERE/two.yaml'],
  ['status --config HERE/two.yaml'],
  ['doctor --config HERE/two.yaml'],
  ['apply --config HERE/sealed/one.yaml'],
  ['passphrase HERE/passphrase --config HERE/sealed/one.yaml'],
]

/** What can't be done, and why. */
const refused: readonly (readonly [line: string, code: string])[] = [
  ['plan --config HERE/nowhere.yaml', 'CONFIG_UNREADABLE'],
  ['plan --config HERE/faults.yaml', 'CONFIG_INVALID'],
  ['plan --frob', 'USAGE'],
  ['log list --config HERE/bare/one.yaml', 'BUNDLE_MISSING'],
  ['events --config HERE/two.yaml', 'ADMIN_UNREACHABLE'],
  ['revoke stream --config HERE/two.yaml', 'APPROVAL_MISSING'],
  ['compromise --bundle-key --config HERE/two.yaml', 'APPROVAL_MISSING'],
  ['schema --reference', 'USAGE'],
  ['issue nobody --config HERE/two.yaml', 'NOT_A_MEMBER'],
]

const commands = await allCommands()

describe('what --json prints is what its schema says', () => {
  const ledger = new JsonLedger(commands)
  let folder: string
  let running: { readonly world: WatchedWorld; readonly ended: Promise<number> }[] = []

  const start = (line: string, world = new WatchedWorld()) => {
    const args = line.replaceAll('HERE', folder).split(' ')
    const started = { world, ended: run([...args, '--json'], world.world) }
    running.push(started)
    return started
  }
  const printedBy = async (line: string) => {
    const { world, ended } = start(line)
    await ended
    return world.printed
  }

  before(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'mtls-')))
    await prepareFiles(folder)
    for (const own of ['bare', 'sealed']) mkdirSync(join(folder, own))
    const change = (from: string, to: string, replaced: string, by: string) =>
      writeFileSync(join(folder, to), readFileSync(join(folder, from), 'utf8').replace(replaced, by))
    change('two.yaml', 'wider.yaml', 'authority: {', 'authority: { extra_domains: [a.example],')
    change('two.yaml', 'offline.yaml', 'authority: {', 'authority: { root: { offline: true },')
    change('wider.yaml', 'asking.yaml', 'authority: {', 'authority: { root: { offline: true },')
    change('one.yaml', 'bare/one.yaml', '', '')
    change('sealed.yaml', 'sealed/one.yaml', '', '')
    writeFileSync(join(folder, 'sealed/passphrase'), 'another horse\n', { mode: 0o600 })
    change('two.yaml', 'faults.yaml', 'services:', 'servces:')
    change('two.yaml', 'operators.yaml', 'authority:', 'operators: { alice: {} }\nauthority:')
    change('two.yaml', 'served.yaml', 'console: none', 'console: "127.0.0.1:0"')
  })
  afterEach(async () => {
    for (const { world } of running) world.end()
    await Promise.all(running.map(({ ended }) => ended))
    running = []
  })
  after(() => rmSync(folder, { recursive: true }))

  for (const [line, form = line.split(' ', 1)[0]!] of calls)
    test(`mtls ${line}`, async () => ledger.hold(form, await printedBy(line)))

  for (const [line, code] of refused)
    test(`mtls ${line}: ${code}`, async () => {
      const printed = await printedBy(line)
      ledger.holdError(printed)
      assert.equal(JSON.parse(printed).error.code, code)
    })

  test('mtls up, and what is asked of it meanwhile', async () => {
    const up = start('up --config HERE/served.yaml')
    await up.world.until(/"kind":"console-served"/)
    await up.world.until(/"kind":"ready"/)
    const asked = new WatchedWorld({ rows: 24 })
    await start('console --config HERE/served.yaml', asked).ended
    await ledger.hold('console', asked.printed)
    await ledger.hold('events', await printedBy('events --config HERE/served.yaml'))
    await ledger.hold('probe', await printedBy('probe --config HERE/served.yaml'))
    const watching = start('status --watch --config HERE/served.yaml')
    const proxy = start('proxy lake --from 127.0.0.1:0 --to stream --config HERE/served.yaml')
    await proxy.world.until(/"kind":"ready"/)
    await ledger.hold('revoke', await printedBy('revoke lake --yes --config HERE/served.yaml'))
    await proxy.world.until(/"kind":"revoked"/)
    await watching.world.until(/"barred":true/)
    for (const one of [proxy, watching, up]) {
      one.world.end()
      await one.ended
    }
    await ledger.hold('proxy', proxy.world.printed)
    await ledger.hold('status with --watch', watching.world.printed)
    await ledger.hold('up', up.world.printed)
  })

  test('mtls plan and mtls apply, where the key of a root is away', async () => {
    renameSync(join(folder, 'certs/ca.key'), join(folder, 'kept.key'))
    for (const form of ['plan', 'apply']) {
      const printed = await printedBy(`${form} --config HERE/asking.yaml`)
      assert.equal(JSON.parse(printed).asks.length, 1)
      await ledger.hold(form, printed)
    }
  })

  test('mtls log serve', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    taken.close()
    await once(taken, 'close')
    const log = start(`log serve --folder HERE/own --listen 127.0.0.1:${port} --config HERE/two.yaml`)
    await log.world.until(/"kind":"not-in-use"/)
    log.world.end()
    await log.ended
    await ledger.hold('log serve', log.world.printed)
  })

  test('each documented form was held', async () => assert.deepEqual(await ledger.unseen(), []))
})
