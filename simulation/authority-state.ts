import { join } from 'node:path'
import type { Config, Layout } from '@datapunk/protocol'
import { keyFiles } from '../packages/authority/backup/back-up.ts'
import { goOnFromBackup } from '../packages/authority/backup/go-on-from-backup.ts'
import { Disk } from '../packages/authority/disk/disk.ts'
import type { Engine } from '../packages/authority/engine/engine.ts'
import type { KeyStore } from '../packages/authority/keys/key-store.ts'
import { Passphrase } from '../packages/authority/keys/passphrase.ts'
import { checkState } from '../packages/authority/state/check-state.ts'
import { clearStaging, restorePlaces, settleRestore } from '../packages/authority/state/settle.ts'
import { KeptStore } from '../packages/authority/store/kept-store.ts'
import { MemoryStore } from '../packages/authority/store/memory.ts'
import { KeyPool } from './key-pool.ts'
import { PooledKeyStore } from './pooled-key-store.ts'
import { type FolderCopy, SimulatedDisk } from './simulated-disk.ts'
import type { World } from './world.ts'

/** What `mtls backup` puts into its file. */
export interface Backup {
  readonly madeAt: number
  readonly rows: MemoryStore
  readonly keys: ReturnType<typeof keyFiles>['keys']
}

/** A folder as somebody has copied it, with the inventory that was in it. */
export interface StateCopy {
  readonly path: string
  readonly folder: FolderCopy
  readonly rows: MemoryStore
}

/** What outlives the authority's process: its disk, and the inventory on it, which here is a memory store of its own. */
export class AuthorityState {
  readonly machine: SimulatedDisk
  store: KeptStore
  #rows: MemoryStore
  readonly #world: World
  readonly #layout: Layout
  readonly #keys = new KeyPool('authority', Number.POSITIVE_INFINITY)

  constructor(world: World, layout: Layout) {
    this.#world = world
    this.#layout = layout
    this.machine = new SimulatedDisk(world.draw.fork('disk'))
    this.#rows = this.#newRows()
    this.store = new KeptStore(this.#rows)
  }

  disk(): Disk {
    return new Disk({ calls: this.machine.calls, uid: 0 })
  }

  keys(disk: Disk, { paths }: Config, folder = this.#layout.authority.keys): KeyStore {
    return new PooledKeyStore(this.#keys, {
      ...{ disk, folder, rootKey: paths.caKey, storeInClear: true },
      passphrase: () => new Passphrase(Buffer.from('simulated')),
      randomBytes: this.#world.draw.bytes,
    })
  }

  /** As `backUp` does it, less the file. */
  async backUp(engine: Engine): Promise<Backup | undefined> {
    checkState(engine)
    if (engine.store.bundle() === undefined) return undefined
    const madeAt = this.#world.now()
    const { keys } = keyFiles(engine)
    const rows = this.#newRows(this.#rows)
    await engine.store.write((transaction) => transaction.changeMesh({ backedUpAt: madeAt }))
    return { madeAt, rows, keys }
  }

  /**
   * `mtls restore FILE`, as `restoreBackup` does it, less the file: nothing that is there changes before the last step.
   *
   * @throws AuthorityError as `restoreBackup`
   */
  async restore({ madeAt, rows, keys }: Backup, config: Config): Promise<void> {
    const [layout, disk] = [this.#layout, this.disk()]
    const { staging, staged, ready } = restorePlaces(layout)
    clearStaging(layout, disk)
    for (const folder of [staged.dir, staged.keys]) disk.ensureFolder(folder, 0o700)
    for (const { slot, file } of keys)
      disk.writeFileAtomic(join(staged.keys, `${slot}.key`), file, { mode: 0o600 })
    const restoredRows = this.#newRows(rows)
    const store = new KeptStore(restoredRows)
    const restored = { config, disk, layout, store, keys: this.keys(disk, config, staged.keys) }
    const options = { madeAt, seen: this.store.mesh()?.generation ?? 0 }
    await goOnFromBackup({ ...restored, clock: this.#world.now, actor: 'restore', staged }, options)
    disk.rename(staged.dir, ready)
    disk.removeFolder(layout.authority.keys)
    disk.removeFolder(layout.authority.dir)
    settleRestore(layout, disk)
    disk.removeFolder(staging)
    this.#hold(restoredRows)
  }

  /** @param path the authority's own folder, or the whole state folder */
  copy(path: string): StateCopy {
    return { path, folder: this.machine.copyOf(path), rows: this.#newRows(this.#rows) }
  }

  putBack({ path, folder, rows }: StateCopy): void {
    this.machine.putBack(path, folder)
    this.#hold(this.#newRows(rows))
  }

  #hold(rows: MemoryStore): void {
    this.#rows = rows
    this.store = new KeptStore(rows)
  }

  /** @param rows that it is a copy of */
  #newRows(rows?: MemoryStore): MemoryStore {
    const { machine } = this
    const commit = () => (machine.isCut || machine.full !== undefined ? 'lost' : 'kept')
    return new MemoryStore({ commit, ...(rows && { rows }) })
  }
}
