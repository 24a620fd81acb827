import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Config, layoutOf, parseConfig } from '@datapunk/protocol'
import { FixedClock, seededRandom, TestLogs } from '@datapunk/testkit'
import { Authority } from '../../authority.ts'
import { Disk } from '../../disk/disk.ts'
import type { Engine } from '../../engine/engine.ts'
import { Halt } from '../../engine/halt.ts'
import { KeyStore } from '../../keys/key-store.ts'
import { Passphrase } from '../../keys/passphrase.ts'
import type { AuthorityOptions } from '../../state/open-engine.ts'
import { SqliteStore } from '../../store/sqlite.ts'
import { backUp, recordBackup } from '../back-up.ts'
import { BackupPlace } from '../backup-place.ts'
import { restoreBackup } from '../restore.ts'
import type { RestoreOptions } from '../restoring.ts'

/** Far less than in earnest, so that a test may open a hundred of them. */
export const cost = { N: 2 ** 10, r: 8, p: 1 }
export const passphrase = 'correct horse battery staple'

export const clock = new FixedClock(Date.UTC(2026, 5, 1))

let seeds = 0
const randomBytes = () => seededRandom(`mesh ${++seeds}`)

/** CA keys in clear, because deriving their key takes long on purpose. */
export function configIn(dir: string, change: Record<string, unknown> = {}): Config {
  const text = {
    trust_domain: 'service.datapunk',
    services: { lake: {} },
    authority: { store_ca_keys_in_clear: true },
    certificates: { key_algorithm: 'ecdsa-p256' },
    ...change,
  }
  return parseConfig(JSON.stringify(text), { file: join(dir, 'mtls-config.yaml') })
}

/** Whoever opens the same mesh again finds the same log. */
const logs = new TestLogs()

export function openIn(config: Config, options: Partial<AuthorityOptions> = {}): Promise<Authority> {
  const [now, environment] = [() => clock.now(), {}]
  const own = { clock: now, randomBytes: randomBytes(), environment, pid: process.pid, purpose: 'test' }
  return Authority.open({ config, ...own, openLog: logs.opener(now), ...options })
}

export async function withAuthority<Result>(
  config: Config,
  use: (authority: Authority) => Promise<Result>,
): Promise<Result> {
  const authority = await openIn(config)
  try {
    return await use(authority)
  } finally {
    await authority.close()
  }
}

export async function applyIn(config: Config): Promise<string> {
  const report = await withAuthority(config, (authority) => authority.apply({ approve: () => true }))
  for (const { error } of report.failed) throw error
  return report.bundle
}

/** A backup at the least cost there may be, which `Authority.backup` does not offer. */
export async function backUpIn(config: Config, file: string, before = () => {}): Promise<void> {
  const disk = new Disk()
  const layout = layoutOf(config)
  const store = SqliteStore.open({ file: layout.authority.inventory, disk })
  const keys = new KeyStore({
    ...{ disk, folder: layout.authority.keys, rootKey: config.paths.caKey, randomBytes: randomBytes() },
    passphrase: () => new Passphrase(Buffer.from(passphrase)),
    storeInClear: config.authority.storeCaKeysInClear,
  })
  const used = { config, layout, disk, store, keys, randomBytes: randomBytes(), clock: () => clock.now() }
  const engine = { ...used, halting: new Halt(), actor: 'test', report: () => {} } as unknown as Engine
  before()
  const place = new BackupPlace(file, disk)
  const options = {
    passphrase: async () => new Passphrase(Buffer.from(passphrase)),
    take: place.put.bind(place),
    cost,
  }
  try {
    await recordBackup(engine, await backUp(engine, options, (deed) => deed()))
  } finally {
    store.close()
  }
}

export function restoreIn(config: Config, file: string, options: Partial<RestoreOptions> = {}) {
  const environment = { MTLS_CA_PASSPHRASE: passphrase }
  const own = { clock: () => clock.now(), randomBytes: randomBytes(), pid: process.pid, cost }
  return restoreBackup({ config, file, replace: false, environment, ...own, ...options })
}

/** The inventory, looked at. */
export function lookIn<Result>(config: Config, look: (store: SqliteStore) => Result): Result {
  const store = SqliteStore.open({ file: layoutOf(config).authority.inventory, readOnly: true })
  try {
    return look(store)
  } finally {
    store.close()
  }
}

/** A backup as a later mtls would make it, with a schema that this one does not know. */
export async function backUpNewer(config: Config, file: string): Promise<void> {
  const { inventory } = layoutOf(config).authority
  const database = new DatabaseSync(inventory)
  // The store has been opened by then; it looks at the schema only once.
  await backUpIn(config, file, () => database.exec('PRAGMA user_version = 900'))
  database.close()
}
