import { generateKeyPair } from '@datapunk/pki'
import { type Config, layoutOf } from '@datapunk/protocol'
import { deliver } from '../delivery/deliver.ts'
import { tellService } from '../delivery/tell-service.ts'
import { Disk } from '../disk/disk.ts'
import { OwnerBook } from '../disk/owner.ts'
import type { Engine } from '../engine/engine.ts'
import { checkHalt, Halt } from '../engine/halt.ts'
import { PeerBook } from '../engine/peer-book.ts'
import { activeSlot } from '../engine/slots.ts'
import type { AuthorityEvent } from '../events/event.ts'
import { KeyStore } from '../keys/key-store.ts'
import { KeptPassphrase } from '../keys/passphrase.ts'
import { OwnPair } from '../peers/own-pair.ts'
import type { ReadElsewhere } from '../responder/log-shelf.ts'
import { type AsAuthority, noLog, type OpenLog } from '../scts/certificate-log.ts'
import { LogSeat } from '../scts/log-seat.ts'
import { actorText, askerNow } from '../sockets/asker.ts'
import { KeptStore } from '../store/kept-store.ts'
import { filesBeside, SqliteStore } from '../store/sqlite.ts'
import { notPutBack } from '../transparency/put-back.ts'
import { checkNoForeignCa } from './check-state.ts'
import { acquireLock, type Lock } from './lock.ts'
import { OpenedFiles, WRITE_BACK } from './opened-files.ts'
import { clearStaging, settleRestore } from './settle.ts'

export interface AuthorityOptions {
  readonly config: Config
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Milliseconds since some moment, which no setting of a clock moves; the clock, unless told. */
  readonly monotonic?: () => number
  readonly randomBytes: (length: number) => Uint8Array
  /** Environment variables; the passphrase is removed from them. */
  readonly environment: Record<string, string | undefined>
  readonly pid: number
  /** The user ID of this process, for the audit; undefined where the system has none. */
  readonly uid?: number | undefined
  /** For whoever finds the lock taken, and for the audit: `apply`, `up`, `issue`. */
  readonly purpose: string
  readonly report?: (event: AuthorityEvent) => void
  /** The CA at `paths.ca_cert` and `paths.ca_key` is to be taken over (`adopt`), so it may be there already. */
  readonly adopting?: boolean
  readonly disk?: Disk
  /** How to come by the transparency log; without it nothing is issued, unless the config says `transparency: off`. */
  readonly openLog?: OpenLog
  /** How to read a log that runs elsewhere, for peers that can't reach it themselves. */
  readonly readLogElsewhere?: ReadElsewhere
}

/** What nobody else has until the lock is released. */
export interface OpenedEngine {
  readonly engine: Engine
  readonly lock: Lock
  readonly opened: OpenedFiles
  readonly passphrase: KeptPassphrase
}

/**
 * Takes the lock, opens the inventory and finds the passphrase. Nothing is made yet but the folders.
 *
 * @throws AuthorityError `LOCKED`, `PERMISSIONS`, `STORE_FAILED`, `CA_WITHOUT_INVENTORY`
 */
export async function openEngine(options: AuthorityOptions): Promise<OpenedEngine> {
  const { config, clock, randomBytes, pid, uid, purpose, disk = new Disk() } = options
  const actor = actorText({ purpose, uid }, 'proven')
  const layout = layoutOf(config)
  settleRestore(layout, disk)
  // Refused before anything is made, so that a state folder can still be put back where it was.
  const isNew = disk.kindOf(layout.authority.inventory) === undefined
  if (isNew && !options.adopting) checkNoForeignCa({ config, layout, disk })
  disk.ensureFolder(layout.state, 0o755)
  disk.ensureFolder(layout.authority.dir, 0o700)
  const hookEnvironment = { ...options.environment }
  delete hookEnvironment.MTLS_CA_PASSPHRASE
  const lock = acquireLock(layout.authority.lock, { pid, purpose, now: clock() })
  try {
    clearStaging(layout, disk)
    const opened = new OpenedFiles(disk)
    opened.add(layout.authority.lock)
    const file = layout.authority.inventory
    const store = new KeptStore(SqliteStore.open({ file, disk, mayCommit: () => opened.check() }))
    opened.add(file)
    for (const path of filesBeside(file)) opened.add(path, WRITE_BACK)
    const passphrase = new KeptPassphrase({
      disk,
      passphraseFile: config.authority.passphraseFile,
      environment: options.environment,
      stateFile: layout.authority.passphrase,
      state: layout.state,
      // Where a mesh has no keys yet and nobody gave one, it is made; that of a log is sealed with none.
      create: () => (store.slots().every(({ kind }) => kind === 'log') ? randomBytes : undefined),
    })
    const halting = new Halt()
    const keys = new KeyStore({
      disk,
      folder: layout.authority.keys,
      rootKey: config.paths.caKey,
      passphrase: (options) => passphrase.find(options).passphrase,
      passphraseWrong: () => passphrase.forget(),
      storeInClear: config.authority.storeCaKeysInClear,
      randomBytes,
      checkMaySign: () => checkHalt({ store, halting }),
      used: ({ id }, signatures) => {
        const entry = { slot: id, signatures }
        const row = { at: clock(), actor: askerNow() ?? actor, deed: 'key-used', entry } as const
        return store.write((transaction) => transaction.addAudit(row))
      },
    })
    const { openLog = noLog } = options
    const asAuthority: AsAuthority = (use) => keys.withSigner(activeSlot({ store }, 'bundle-key'), use)
    const engine: Engine = {
      config,
      layout,
      store,
      disk,
      owners: new OwnerBook(disk),
      keys,
      halting,
      peers: new PeerBook(clock, options.monotonic),
      ownPair: new OwnPair(),
      logSeat: new LogSeat(async (wanted) =>
        notPutBack(await openLog(wanted, asAuthority), { store, config, clock }),
      ),
      push: () => {},
      staple: async () => undefined,
      tellService: (handover, signal) =>
        tellService(handover, { environment: hookEnvironment, clock, signal }),
      deliver,
      clock,
      randomBytes,
      makeKeyPair: generateKeyPair,
      actor,
      report: options.report ?? (() => {}),
    }
    return { engine, lock, opened, passphrase }
  } catch (error) {
    lock.release()
    throw error
  }
}
