import type { TreeRoot } from '@datapunk/tlog'
import { CommitQueue, type Job, runWork } from './commit-queue.ts'
import type { CountingStore, Transaction } from './contract.ts'
import { MemoryTables } from './memory-tables.ts'
import { refusal } from './refusal.ts'
import type {
  AcknowledgementRow,
  AttemptRow,
  AuditCheckpointRow,
  AuditRow,
  CertificateProfile,
  CertificateRow,
  DeliveryRow,
  HashedRecord,
  InstanceRow,
  ListHead,
  ListRow,
  MeshRow,
  NextKeyRow,
  PinnedKey,
  PinningRow,
  PublishedBundleRow,
  RevocationRow,
  RevokedAfter,
  RevokedCertificate,
  ServiceRow,
  SlotRow,
  TermRow,
  TrustStatementRow,
} from './rows.ts'

/** What the disk does with a commit: keeps it, loses it, or keeps it and says that it lost it. */
export type Fate = 'kept' | 'lost' | 'kept-but-failed'

/**
 * The inventory in memory: the twin of `SqliteStore` in everything but durability. For tests, and for whoever looks where nothing
 * has been recorded yet.
 *
 * `commit` is asked before every commit (counted from 1) what becomes of it, so that a test can fail the disk at any
 * point of a story. Whatever it answers other than `kept`, the writes of that commit reject with `STORE_FAILED`.
 */
export class MemoryStore implements CountingStore {
  readonly #commit: (commit: number) => Fate
  readonly #queue = new CommitQueue((jobs) => this.#flush(jobs))
  readonly #tables: MemoryTables
  #commits = 0
  #failure: Error | undefined
  #closed = false

  /** @param options.rows what it holds at first: that of another, of which it is a copy */
  constructor(options: { commit?: (commit: number) => Fate; rows?: MemoryStore } = {}) {
    this.#commit = options.commit ?? (() => 'kept')
    this.#tables = options.rows === undefined ? new MemoryTables() : options.rows.#tables.copy()
  }

  get commits(): CountingStore['commits'] {
    return { own: this.#commits, others: 0 }
  }

  get failure(): Error | undefined {
    return this.#failure
  }

  write<T>(work: (transaction: Transaction) => T): Promise<T> {
    if (this.#closed) return Promise.reject(refusal.closed())
    return this.#queue.add(work)
  }

  close(): void {
    this.#queue.flushNow()
    this.#closed = true
  }

  #flush(jobs: readonly Job[]): true {
    const outcomes = jobs.map((job) => this.#run(job))
    const fate = this.#commit(++this.#commits)
    this.#failure = fate === 'kept' ? undefined : refusal.lost(fate, 'disk')
    if (fate === 'lost') this.#tables.undoTo(0)
    this.#tables.keep()
    for (const settle of outcomes) settle(fate)
    return true
  }

  /** @returns what to tell the caller once the fate of the commit is known */
  #run(job: Job): (fate: Fate) => void {
    const before = this.#tables.open()
    try {
      const value = runWork(job, this.#tables)
      return (fate) => (fate === 'kept' ? job.resolve(value) : job.reject(refusal.lost(fate, 'disk')))
    } catch (error) {
      this.#tables.undoTo(before)
      return () => job.reject(error)
    } finally {
      this.#tables.shut()
    }
  }

  mesh = (): MeshRow | undefined => this.#tables.mesh()
  slots = (): readonly SlotRow[] => this.#tables.slots()
  services = (): readonly ServiceRow[] => this.#tables.services()
  instances = (): readonly InstanceRow[] => this.#tables.instances()
  currentCertificates = (): readonly CertificateRow[] => this.#tables.currentCertificates()
  terms = (): readonly TermRow[] => this.#tables.terms()
  certificate = (serial: string): CertificateRow | undefined => this.#tables.certificate(serial)
  liveCertificates = (after: number): readonly CertificateRow[] => this.#tables.liveCertificates(after)
  nextEnd = (after: number): number => this.#tables.nextEnd(after)
  revocableOf = (instance: string, after: number): readonly CertificateRow[] =>
    this.#tables.revocableOf(instance, after)
  revokedOf = (instance: string, after: number): readonly CertificateRow[] =>
    this.#tables.revokedOf(instance, after)
  certificatesOf = (instance: string, limit: number): readonly CertificateRow[] =>
    this.#tables.certificatesOf(instance, limit)
  certificatesFrom = (serial: string): readonly CertificateRow[] => this.#tables.certificatesFrom(serial)
  isSerialPrefixUsed = (prefix: string): boolean => this.#tables.isSerialPrefixUsed(prefix)
  revocation = (serial: string): RevocationRow | undefined => this.#tables.revocation(serial)
  isKeyCompromised = (spkiHash: string): boolean => this.#tables.isKeyCompromised(spkiHash)
  revoked = (which: RevokedAfter): Iterable<RevokedCertificate> => this.#tables.revoked(which)
  lastRevocationOf = (slot: string): number => this.#tables.lastRevocationOf(slot)
  lists = (): readonly ListHead[] => this.#tables.lists()
  list = (slot: string, scope: string): ListRow | undefined => this.#tables.list(slot, scope)
  trustStatements = (): readonly TrustStatementRow[] => this.#tables.trustStatements()
  bundle = (): PublishedBundleRow | undefined => this.#tables.bundle()
  section = (digest: string): Uint8Array | undefined => this.#tables.section(digest)
  acknowledgements = (): readonly AcknowledgementRow[] => this.#tables.acknowledgements()
  deliveries = (): readonly DeliveryRow[] => this.#tables.deliveries()
  attempts = (): readonly AttemptRow[] => this.#tables.attempts()
  nextKeys = (): readonly NextKeyRow[] => this.#tables.nextKeys()
  pinnedKeys = (after: number): readonly PinnedKey[] => this.#tables.pinnedKeys(after)
  pinning = (): PinningRow | undefined => this.#tables.pinning()
  issuedOf = (profile: Exclude<CertificateProfile, 'leaf'>): readonly CertificateRow[] =>
    this.#tables.issuedOf(profile)
  audit = (after: number, limit: number): readonly AuditRow[] => this.#tables.audit(after, limit)
  auditRecords = (after: number): Iterable<HashedRecord> => this.#tables.auditRecords(after)
  auditTree = (): TreeRoot => this.#tables.auditTree()
  auditCheckpoints = (): readonly AuditCheckpointRow[] => this.#tables.auditCheckpoints()
}
