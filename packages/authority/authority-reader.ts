import type { TileLeaf } from '@datapunk/pki'
import { keyIdOf, layoutOf, type Member } from '@datapunk/protocol'
import type { TreeRoot } from '@datapunk/tlog'
import { planOf } from './applying/apply.ts'
import { auditAhead } from './audit/published-audit.ts'
import { type AuditQuery, readAudit } from './audit/read-audit.ts'
import { type AuditVerdict, verifyAudit } from './audit/verify-audit.ts'
import { Disk } from './disk/disk.ts'
import { Halt } from './engine/halt.ts'
import { PeerBook } from './engine/peer-book.ts'
import type { Observed } from './inventory/take-inventory.ts'
import { KeyStore } from './keys/key-store.ts'
import { OwnPair } from './peers/own-pair.ts'
import type { Plan } from './planning/plan.ts'
import { noLog } from './scts/certificate-log.ts'
import { LogSeat } from './scts/log-seat.ts'
import { recordOfLog } from './scts/submit.ts'
import {
  type RecentRevocation,
  recentRevocations,
  type ServiceRecord,
  serviceRecord,
} from './services/service-record.ts'
import { wantedMembers } from './services/wanted-members.ts'
import { checkState } from './state/check-state.ts'
import type { AuthorityOptions } from './state/open-engine.ts'
import { settleRestore } from './state/settle.ts'
import { type Status, statusOf } from './status/status.ts'
import { MemoryStore } from './store/memory.ts'
import type { AuditRow, CertificateRow } from './store/rows.ts'
import { SqliteStore } from './store/sqlite.ts'
import { type Ahead, aheadFault } from './timing/issued-ahead.ts'
import { compareEntry, type LogFinding } from './transparency/compare-entry.ts'

/** Looks without taking the lock, and without a passphrase; also where nothing has been made yet. */
export class AuthorityReader {
  readonly #engine: Observed

  constructor({ config, clock, disk = new Disk() }: Pick<AuthorityOptions, 'config' | 'clock' | 'disk'>) {
    const layout = layoutOf(config)
    settleRestore(layout, disk)
    const there = disk.kindOf(layout.authority.inventory) !== undefined
    const store = there
      ? SqliteStore.open({ file: layout.authority.inventory, readOnly: true, disk })
      : new MemoryStore()
    const keys = new KeyStore({
      disk,
      folder: layout.authority.keys,
      rootKey: config.paths.caKey,
      passphrase: () => {
        throw new TypeError('looking opens no key')
      },
      storeInClear: config.authority.storeCaKeysInClear,
      randomBytes: () => {
        throw new TypeError('looking makes nothing')
      },
    })
    this.#engine = {
      config,
      clock,
      disk,
      layout,
      store,
      keys,
      halting: new Halt(),
      peers: new PeerBook(clock),
      ownPair: new OwnPair(),
      logSeat: new LogSeat(noLog),
    }
  }

  /** @throws AuthorityError what `apply` would refuse this state with */
  plan(): Plan {
    checkState(this.#engine)
    return planOf(this.#engine)
  }

  /** What is of the future by this clock, which no plan mends by itself. */
  get ahead(): Ahead | undefined {
    return aheadFault(this.#engine)
  }

  status(): Status {
    return statusOf(this.#engine)
  }

  /** The members as `apply` would publish them, were every action of its plan done. */
  wantedMembers(): Member[] {
    const { config, clock, store } = this.#engine
    return wantedMembers(config, clock(), store)
  }

  /** The certificate recorded last of a service, DER; undefined where none is. */
  newestCertificate(service: string): Uint8Array | undefined {
    const { store } = this.#engine
    const own = new Set(store.instances().flatMap((row) => (row.service === service ? [row.id] : [])))
    return store.currentCertificates().find(({ instance }) => own.has(instance ?? ''))?.der
  }

  /** What was done, oldest first. */
  audit(query: AuditQuery): Iterable<AuditRow> {
    return readAudit(this.#engine.store, query)
  }

  /** The entries before one, the newest first; undefined: the last ones. */
  auditBefore(number: number | undefined, limit: number): readonly AuditRow[] {
    const { store } = this.#engine
    const before = number ?? store.auditTree().size + 1
    const after = Math.max(0, before - 1 - limit)
    return store.audit(after, before - 1 - after).toReversed()
  }

  auditTree(): TreeRoot {
    return this.#engine.store.auditTree()
  }

  /** Whatever is on record under a serial; undefined where nothing is. */
  certificate(serial: string): CertificateRow | undefined {
    return this.#engine.store.certificate(serial)
  }

  /** Undefined: no service was ever called so. */
  serviceRecord(service: string): ServiceRecord | undefined {
    const { store, clock } = this.#engine
    return serviceRecord(store, service, clock())
  }

  /** The newest first. */
  recentRevocations(limit: number): readonly RecentRevocation[] {
    return recentRevocations(this.#engine.store, limit)
  }

  /**
   * @param checked is told now and then how many entries were checked so far
   * @throws AuthorityError `AUDIT_CHANGED` the newest bundle on record is not as it was signed; `INVENTORY_OUTDATED` what lies
   *   published shows that this inventory is not the newest of its mesh, and does not say how much of the audit is lost
   */
  verifyAudit(checked?: (entries: number) => void): AuditVerdict {
    return verifyAudit(this.#engine.store, { ahead: auditAhead(this.#engine), checked })
  }

  /** What is wrong with an entry of the log with this key, by what is on record. `log` in DER. */
  compareEntry(entry: TileLeaf, log: Uint8Array): readonly LogFinding[] {
    return compareEntry(entry, { ...this.#engine, log })
  }

  /** The certificates in use that the log with this key has promised to hold. `spki` in DER. */
  promisedBy(spki: Uint8Array): readonly PromisedCertificate[] {
    const spkiHash = keyIdOf(spki)
    const ids = new Set(
      this.#engine.store.slots().flatMap((slot) => (slot.spkiHash === spkiHash ? [slot.id] : [])),
    )
    return this.#engine.store
      .currentCertificates()
      .flatMap(({ log, serial, instance, tbsHash }) =>
        ids.has(log ?? '') ? [{ serial, instance, tbsHash }] : [],
      )
  }

  /** Whether the log with this key is on record to hold something: seen in it, or promised by it for what has not ended. `spki` in DER. */
  hasPromised(spki: Uint8Array): boolean {
    const { store, clock } = this.#engine
    const slot = recordOfLog(store, spki)
    if (slot === undefined) return false
    return (slot.monitored ?? 0) > 0 || store.liveCertificates(clock()).some(({ log }) => log === slot.id)
  }

  close(): void {
    this.#engine.store.close()
  }
}

/** A certificate in use that a log has promised to hold. */
export interface PromisedCertificate {
  /** Lowercase hex. */
  readonly serial: string
  /** Undefined: the authority's own. */
  readonly instance: string | undefined
  /** SHA-256 of what the entry holds, its to-be-signed part without SCTs; lowercase hex. */
  readonly tbsHash: string
}
