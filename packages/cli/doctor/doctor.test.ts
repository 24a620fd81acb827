import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, afterEach, before, describe, test } from 'node:test'
import { AuthorityError, connectAdmin, type InstanceStatus, type Status } from '@datapunk/authority'
import { MeshError } from '@datapunk/mesh'
import { type Config, layoutOf } from '@datapunk/protocol'
import { readConfigFile } from '../config/config-file.ts'
import manifest from '../package.json' with { type: 'json' }
import { run } from '../run.ts'
import { asNobody } from '../testing/as-nobody.ts'
import { WatchedWorld } from '../testing/watched-world.ts'
import { findingsOf } from './checks.ts'
import { type Examination, examine, isRead } from './examination.ts'
import type { Finding } from './finding.ts'
import { pairFinding } from './pair-findings.ts'
import type { System } from './system.ts'

const DAY = 24 * 60 * 60 * 1000

const configText = `trust_domain: service.datapunk
services:
  lake: { address: "lake.service.datapunk:8445", allow: [nexus] }
  nexus: {}
certificates: { key_algorithm: ecdsa-p256 }
authority: { store_ca_keys_in_clear: true, http: "127.0.0.1:7480", root: { years: 4 } }
`

/** A machine on which nothing is wrong: nobody has the authority's port, and everybody else answers. */
const goodSystem: System = {
  nodeVersion: '26.4.0',
  freeBytes: async () => 1e12,
  resolveFailure: async () => undefined,
  connectFailure: async (_, port) => (port === 7480 ? 'ECONNREFUSED' : undefined),
}

/** What this mesh has to say for itself with its keys in clear, no backup and no `mtls up`. */
const always = ['authority-down', 'backup-missing', 'keys-unprotected', 'rights-unknown']

describe('doctor', () => {
  let folder: string
  let kept: string
  let config: Config

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'doctor-'))
    kept = `${folder}-kept`
    writeFileSync(join(folder, 'mtls.yaml'), configText)
    assert.equal(await run(['apply', '--config', join(folder, 'mtls.yaml')], new WatchedWorld().world), 0)
    config = read()
    copyWhole(folder, kept)
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
    copyWhole(kept, folder)
  })
  after(() => {
    for (const each of [folder, kept]) rmSync(each, { recursive: true })
  })

  const read = () =>
    readConfigFile({ file: join(folder, 'mtls.yaml'), environment: undefined, root: undefined })

  interface Circumstances {
    readonly now?: number
    readonly system?: Partial<System>
    /** Of the examination, before it is judged. */
    readonly change?: (examination: Examination) => Partial<Examination>
  }

  const found = async ({
    now = Date.now(),
    system,
    change,
  }: Circumstances = {}): Promise<readonly Finding[]> => {
    const world = { clock: () => now, uid: process.getuid?.() }
    const examination = await examine(read(), world, { ...goodSystem, ...system })
    return findingsOf({ ...examination, ...change?.(examination) })
  }
  const idsOf = (findings: readonly Finding[]) => [...new Set(findings.map(({ id }) => id))].sort()

  /** What is found besides what this mesh always has. */
  const news = async (circumstances?: Circumstances): Promise<readonly Finding[]> => {
    const findings = await found(circumstances)
    return findings.filter(({ id }) => !always.includes(id))
  }

  const statusOf = (examination: Examination): Status => {
    assert.ok(isRead(examination.status))
    return examination.status
  }
  const changedStatus = (change: (status: Status) => Partial<Status>) => (examination: Examination) => {
    const status = statusOf(examination)
    return { status: { ...status, ...change(status) } }
  }
  const changedInstance = (instance: string, change: Partial<InstanceStatus>) =>
    changedStatus(({ services }) => ({
      services: services.map((one) => (one.instance === instance ? { ...one, ...change } : one)),
    }))

  test('of a mesh as it was made, only how it is kept', async () => {
    const findings = await found()
    assert.deepEqual(idsOf(findings), always)
    assert.deepEqual(
      findings.map(({ severity }) => severity),
      ['warning', 'warning', 'warning', 'note'],
    )
  })

  test('of a mesh that is kept well, nothing', async () => {
    const change = (examination: Examination) => ({
      isRunning: true,
      ...changedStatus(({ services }) => ({
        keysUnprotected: false,
        backedUpAt: Date.now(),
        keysSinceBackup: [],
        services: services.map((one) => ({ ...one, live: 1, reporting: 1, versions: [manifest.version] })),
        links: [{ caller: 'nexus', callee: 'lake', count: 2 }],
      }))(examination),
    })
    assert.deepEqual(await found({ change, system: { connectFailure: async () => undefined } }), [])
  })

  const current = (service: string, file: string) => join(layoutOf(config).instance(service).current, file)

  test('whoever may not ask the authority is not told that somebody else has its port, nor that it is down', async () => {
    chmodSync(folder, 0o755)
    chmodSync(layoutOf(config).authority.dir, 0o000)
    const findings = await asNobody(() => found({ system: { connectFailure: async () => undefined } }))
    const { message } = await asNobody(() =>
      connectAdmin(layoutOf(config).authority.adminSocket, { purpose: 'status', uid: 1 }).then(
        () => assert.fail('it may not be asked'),
        (error: AuthorityError) => error,
      ),
    )
    chmodSync(layoutOf(config).authority.dir, 0o700)
    const ids = idsOf(findings)
    assert.ok(ids.includes('authority-closed'))
    assert.ok(ids.includes('records-closed'))
    assert.deepEqual(
      ids.filter((id) => ['port-taken', 'authority-down', 'mesh-missing', 'published-broken'].includes(id)),
      [],
    )
    assert.match(message, /admin\.sock closed to this user \(EACCES\).*allowed: to ask as .*uid \d+/)
  })

  test('without the port of `authority.http` the authority starts all the same', async () => {
    const [taken] = (await found({ system: { connectFailure: async () => undefined } })).filter(
      ({ id }) => id === 'port-taken',
    )
    assert.match(taken?.found ?? '', /starts without it, and lists and OCSP will be served to nobody/)
  })

  /** What makes a finding appear, and its severity. */
  const cases: Record<string, [Finding['severity'], () => Circumstances | undefined]> = {
    'apply-due': [
      'warning',
      () => {
        writeFileSync(
          join(folder, 'mtls.yaml'),
          configText.replace('  nexus: {}', '  nexus: {}\n  stream: {}'),
        )
        return undefined
      },
    ],
    'authority-fault': [
      'error',
      () => ({ change: changedStatus(() => ({ fault: 'the log takes nothing' })) }),
    ],
    'backup-outdated': [
      'warning',
      () => ({ change: changedStatus(() => ({ backedUpAt: Date.now(), keysSinceBackup: ['root-1'] })) }),
    ],
    barred: ['warning', () => ({ change: changedInstance('lake', { barred: true }) })],
    'bundle-expired': ['error', () => ({ now: Date.now() + 8 * DAY })],
    'bundle-stale': ['warning', () => ({ now: Date.now() + 5 * DAY })],
    'ca-ends': ['warning', () => ({ change: endOfCas(20 * DAY) })],
    'ca-expired': ['error', () => ({ change: endOfCas(-DAY) })],
    'certificate-expired': ['error', () => ({ now: Date.now() + 366 * DAY })],
    'certificate-unreadable': [
      'error',
      () => {
        writeFileSync(current('lake', 'cert.pem'), '-----BEGIN CERTIFICATE-----\n')
        return undefined
      },
    ],
    'check-failed': [
      'error',
      () => ({ system: { resolveFailure: () => Promise.reject(new Error('the resolver broke')) } }),
    ],
    'clock-behind': ['error', () => ({ now: Date.now() - 2 * DAY })],
    'disk-full': ['warning', () => ({ system: { freeBytes: async () => 100 * 1024 * 1024 } })],
    'key-exposed': [
      'error',
      () => {
        chmodSync(current('lake', 'key.pem'), 0o644)
        return undefined
      },
    ],
    'key-mismatch': [
      'error',
      () => {
        copyFileSync(current('nexus', 'key.pem'), current('lake', 'key.pem'))
        return undefined
      },
    ],
    'log-unavailable': [
      'error',
      () => ({
        change: changedStatus(({ transparency }) => ({
          transparency: { ...transparency, failure: 'it is away' },
        })),
      }),
    ],
    'log-unread': [
      'error',
      () => ({
        change: changedStatus(({ transparency }) => ({
          transparency: { ...transparency, unread: 'it has not been compared' },
        })),
      }),
    ],
    'name-unresolved': ['warning', () => ({ system: { resolveFailure: async () => 'ENOTFOUND' } })],
    'node-unsafe': ['error', () => ({ system: { nodeVersion: '22.1.0' } })],
    'owner-other': ['error', () => ({ change: ownedBy('4294967294') })],
    'owner-unknown': ['error', () => ({ change: ownedBy('nobody-has-this-name') })],
    'pair-missing': [
      'error',
      () => {
        rmSync(current('lake', 'key.pem'))
        return undefined
      },
    ],
    'pair-swapped': [
      'error',
      () => {
        writeFileSync(current('lake', 'key.pem'), readFileSync(current('lake', 'cert.pem')))
        return undefined
      },
    ],
    'permissions-loose': [
      'error',
      () => {
        const { keys } = layoutOf(config).authority
        chmodSync(join(keys, readdirSync(keys)[0] as string), 0o640)
        return undefined
      },
    ],
    'port-silent': [
      'error',
      () => ({ change: () => ({ isRunning: true }), system: { connectFailure: async () => 'ECONNREFUSED' } }),
    ],
    'port-taken': ['error', () => ({ system: { connectFailure: async () => undefined } })],
    'authority-closed': [
      'note',
      () => {
        const error = new AuthorityError('ADMIN_FORBIDDEN', 'found /admin.sock closed to this user')
        const system = { connectFailure: async () => undefined }
        return { change: () => ({ isRunning: undefined, status: { error } }), system }
      },
    ],
    'authority-silent': [
      'error',
      () => {
        const error = new AuthorityError('ADMIN_SILENT', 'found an `mtls up` that has said nothing')
        const system = { connectFailure: async () => undefined }
        return { change: () => ({ isRunning: undefined, status: { error } }), system }
      },
    ],
    'authority-other': [
      'error',
      () => {
        const error = new AuthorityError('VERSION_OTHER', 'found an `mtls up` of another version')
        const system = { connectFailure: async () => undefined }
        return { change: () => ({ isRunning: undefined, status: { error } }), system }
      },
    ],
    'published-broken': [
      'error',
      () => {
        rmSync(layoutOf(config).mesh.head)
        return undefined
      },
    ],
    'records-broken': [
      'error',
      () => {
        rmSync(config.paths.caKey)
        return undefined
      },
    ],
    'records-closed': [
      'note',
      () => {
        const message = '/state: open failed with EACCES; run mtls as the user who owns it'
        return { change: () => ({ plan: { error: new AuthorityError('DISK_FAILED', message) } }) }
      },
    ],
    'renewal-failed': [
      'error',
      () => ({
        change: changedInstance('lake', { failed: { error: 'the disk is full', nextTryAt: Date.now() } }),
      }),
    ],
    'reload-failed': [
      'error',
      () => ({
        change: changedInstance('lake', { untold: { error: 'no such file', nextTryAt: Date.now() } }),
      }),
    ],
    'renewal-held': ['warning', () => ({ change: changedInstance('lake', { held: true }) })],
    'renewal-late': [
      'warning',
      () => ({ change: changedInstance('lake', { renewalDue: Date.now() - DAY }) }),
    ],
    'right-unused': ['note', () => ({ change: changedInstance('lake', { reporting: 1 }) })],
    'service-unreachable': ['warning', () => ({ system: { connectFailure: async () => 'ECONNREFUSED' } })],
    'version-other': ['note', () => ({ change: changedInstance('lake', { versions: ['0.0.1'] }) })],
  }
  const endOfCas = (span: number) =>
    changedStatus(({ cas }) => ({ cas: cas.map((ca) => ({ ...ca, notAfter: Date.now() + span })) }))
  const ownedBy = (owner: string) => (examination: Examination) => {
    const { services } = examination.config
    const owned = [...services].map(([name, service]) => [name, { ...service, owner }] as const)
    return { config: { ...examination.config, services: new Map(owned) } }
  }

  for (const [id, [severity, make]] of Object.entries(cases)) {
    test(`${severity} ${id}`, async () => {
      const findings = await news(make())
      const finding = findings.find((one) => one.id === id)
      assert.equal(finding?.severity, severity)
      assert.equal(idsOf(findings).includes('check-failed'), id === 'check-failed')
      assert.ok(finding.found !== '' && finding.fix !== '' && finding.subject !== '')
    })
  }

  test('records that are damaged inside, or empty, are told of with what mends them, and so is all the rest', async () => {
    const { inventory } = layoutOf(config).authority
    const database = new DatabaseSync(inventory)
    const root = database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'slot'").get()
    database.close()
    const octets = readFileSync(inventory)
    const page = octets.readUInt16BE(16)
    const at = (Number(root!.rootpage) - 1) * page
    const elsewhere = { system: { nodeVersion: '22.1.0' } }
    for (const [damaged, told] of [
      [
        Buffer.from(octets).fill(0xff, at, at + page),
        /malformed.*`mtls restore FILE --replace`.*STORE_FAILED/,
      ],
      [Buffer.alloc(0), /no inventory.*CA_WITHOUT_INVENTORY/],
    ] as const) {
      writeFileSync(inventory, damaged)
      const findings = await found(elsewhere)
      assert.match(findings.find(({ id }) => id === 'records-broken')?.found ?? '', told)
      const ids = idsOf(findings)
      assert.deepEqual([ids.includes('node-unsafe'), ids.includes('check-failed')], [true, false])
    }
  })

  test('what is due is told of a running authority that failed at it, and of no other', async () => {
    writeFileSync(join(folder, 'mtls.yaml'), configText.replace('nexus: {}', 'nexus: {}\n  stream: {}'))
    const idsOfRunning = async (fault: string | undefined) => {
      const change = (examination: Examination) => ({
        isRunning: true,
        ...changedStatus(() => ({ fault }))(examination),
      })
      return idsOf(await news({ change, system: { connectFailure: async () => undefined } }))
    }
    assert.deepEqual(await idsOfRunning(undefined), [])
    assert.deepEqual(await idsOfRunning('the disk is full'), ['apply-due', 'authority-fault'])
  })

  test('a CA that was replaced may end', async () => {
    const change = changedStatus(({ cas }) => ({
      cas: [...cas, ...cas.map((ca) => ({ ...ca, state: 'retiring' as const, notAfter: Date.now() }))],
    }))
    assert.deepEqual(await news({ change }), [])
  })

  test('a disk with no room at all is an error', async () => {
    const [finding] = await news({ system: { freeBytes: async () => 1024 } })
    assert.deepEqual([finding?.id, finding?.severity], ['disk-full', 'error'])
  })

  test('a right that is used is not told; a call the other way is no use of it', async () => {
    const idsWith = async (caller: string, callee: string) => {
      const change = changedStatus(({ services }) => ({
        services: services.map((one) => ({ ...one, reporting: 1 })),
        links: [{ caller, callee, count: 1 }],
      }))
      return idsOf(await news({ change }))
    }
    assert.deepEqual(await idsWith('nexus', 'lake'), [])
    assert.deepEqual(await idsWith('lake', 'nexus'), ['right-unused'])
  })

  test('a key that lives elsewhere is not looked for here', async () => {
    rmSync(config.services.get('lake')!.cert)
    const ids = idsOf(await news({ change: changedInstance('lake', { pair: 'elsewhere' }) }))
    assert.ok(!ids.includes('pair-missing'))
    assert.ok(idsOf(await news()).includes('pair-missing'))
  })

  test('a pair that this user may not read is no fault of the pair', () => {
    const error = new MeshError(
      'PAIR_MISSING',
      'found no readable lake.key (EACCES); allowed: the pair of lake',
    )
    const { id, severity } = pairFinding('lake', error, undefined)
    assert.deepEqual([id, severity], ['pair-closed', 'note'])
  })

  test('a pair that is of the future is not mended by another apply', () => {
    const cause = { rule: 'CERTIFICATE_NOT_YET_VALID' }
    const error = new MeshError('CERTIFICATE_REFUSED', 'found lake.crt, valid from tomorrow', { data: cause })
    const { id, fix } = pairFinding('lake', error, undefined)
    assert.equal(id, 'certificate-not-yet-valid')
    assert.match(fix, /`mtls rotate lake`/)
    const ahead = { message: 'the certificate of root-1 begins tomorrow', anew: '`mtls rotate --root-ca`' }
    assert.match(pairFinding('lake', error, ahead).fix, /`mtls rotate --root-ca` makes it anew/)
  })

  test('of a mesh that was made by a clock that was ahead, what makes all of it anew is named, and nothing else', async () => {
    const findings = await news({ now: Date.now() - 10 * DAY })
    assert.deepEqual(idsOf(findings), ['ca-not-yet-valid', 'clock-behind'])
    for (const { fix, severity } of findings) {
      assert.equal(severity, 'error')
      assert.match(fix, /ahead .*: `mtls rotate --log` and, once that is done, `mtls rotate --root-ca`$/)
    }
  })

  test('what mends permissions does', async () => {
    const { authority } = layoutOf(config)
    chmodSync(authority.dir, 0o755)
    const [finding] = (await found()).filter(({ id }) => id === 'permissions-loose')
    assert.equal(finding?.fix, `chmod 0700 ${authority.dir}`)
    chmodSync(authority.dir, 0o700)
    assert.deepEqual(await news(), [])
    const key = current('lake', 'key.pem')
    chmodSync(key, 0o644)
    const [exposed] = await news()
    assert.equal(exposed?.id, 'key-exposed')
    const [command, mode = '', path = ''] = exposed.fix.split(' ')
    assert.equal(command, 'chmod')
    chmodSync(path, mode)
    assert.deepEqual(await news(), [])
  })

  test('changes nothing: not one file, not one time', async () => {
    const before = snapshot(folder)
    await found()
    assert.deepEqual(snapshot(folder), before)
  })

  test('no key is in what it says', async () => {
    const key = readFileSync(current('lake', 'key.pem'), 'utf8').split('\n')[1] as string
    renameSync(current('lake', 'key.pem'), current('lake', 'cert.pem'))
    writeFileSync(current('lake', 'key.pem'), 'garbage')
    assert.doesNotMatch(JSON.stringify(await found()), new RegExp(key.slice(0, 20).replace(/[+/]/g, '.')))
  })
})

/** With modes, times and links as they are. */
function copyWhole(from: string, to: string): void {
  execFileSync('cp', ['-a', from, to])
}

function snapshot(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/inventory\.db-(wal|shm)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => `${path} ${readFileSync(path).toString('base64')}`)
    .sort()
}
