import type { TreeRoot } from '@datapunk/tlog'
import type {
  AcknowledgementRow,
  Announced,
  AttemptKind,
  AttemptRow,
  AuditCheckpointRow,
  AuditRow,
  BundleRow,
  CertificateProfile,
  CertificateRow,
  CompromisedKeyRow,
  DeliveryRow,
  HashedRecord,
  InstanceRow,
  IntentRow,
  ListHead,
  ListRow,
  MeshChange,
  MeshRow,
  NewAuditEntry,
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

/**
 * The inventory: everything the authority knows, and the only place where it is true.
 *
 * Guarantees that every implementation gives (the tests in `contract.test.ts` run against each of them):
 *
 * 1. **Durable.** When the promise of `write` resolves, the work is on disk and survives a power cut. Callers sign
 *    nothing and publish nothing that depends on a write before its promise has resolved.
 * 2. **Atomic.** Everything one `write` does, its audit entries included, is there as a whole or not at all. A `work`
 *    that throws leaves nothing behind, and does not harm the writes that share its commit.
 * 3. **Ordered.** Writes take effect in the order in which `write` was called; `work` runs exactly once, synchronously,
 *    and sees all earlier writes. (When the disk refuses in the middle of a commit, the works that had not begun don't
 *    run at all; all of that commit are rejected.)
 * 4. **Grouped.** Concurrent writes share one durable commit. There is no timer: a write that comes alone is committed
 *    alone, at once. Only while another program holds the inventory do they wait for it, for a few seconds.
 * 5. **Serials are used once.** `recordIntent` with a serial that was ever recorded throws `SERIAL_REUSED`.
 * 6. **Numbers never go back.** A trust statement or bundle number that is not the successor of the last one throws
 *    `NUMBER_REUSED`. The successor of (g, c) is (g, c + 1), or any (h, c) with h > g; the first has counter 1. Audit
 *    entries are numbered by the store, from 1, without gaps; they, and the serials of certificates, are never changed
 *    or removed.
 * 7. **Readers never wait for the disk**, and see only what has been committed.
 * 8. **The schema has a version.** Newer code migrates an older inventory in one transaction after a backup beside it;
 *    older code refuses a newer one with `SCHEMA_TOO_NEW`.
 * 9. **The audit is a tree.** Every audit entry is a leaf of a Merkle tree (RFC 6962 2.1), hashed when it is written; what
 *    the tree's next leaf needs is kept in the same transaction. So `auditTree` vouches for every entry before it.
 *
 * Who may write at all is not decided here but by the lock (`lock.ts`).
 */
export interface Store extends Reader {
  /**
   * Runs `work` in a durable transaction.
   *
   * @returns what `work` returned, once it is on disk
   * @throws AuthorityError `STORE_FAILED` when the disk refuses (full, read-only); `STATE_REPLACED` when the inventory was removed
   *   or replaced; nothing was changed then
   */
  write<T>(work: (transaction: Transaction) => T): Promise<T>
  /** Why the last commit was lost, until one is kept; after a failure even one of works that change nothing shows whether it is. */
  readonly failure: Error | undefined
  close(): void
}

/** A store that counts commits: as long as there is no other, every answer is the same. */
export interface CountingStore extends Store {
  /** `own`: through this store, whatever became of them. `others`: another number after each of anybody else. */
  readonly commits: { readonly own: number; readonly others: number }
}

/**
 * Lists come in the order of their ids or numbers, certificates in the order of their intents. Rows share nothing with what was
 * put; they may be shared by all who read them, so nobody changes them.
 */
export interface Reader {
  mesh(): MeshRow | undefined
  slots(): readonly SlotRow[]
  services(): readonly ServiceRow[]
  instances(): readonly InstanceRow[]
  /** The certificate last recorded as issued of each instance, expired ones included, revoked ones not. */
  currentCertificates(): readonly CertificateRow[]
  /** From when to when the current certificate of each instance of a member is valid: little of many. */
  terms(): readonly TermRow[]
  certificate(serial: string): CertificateRow | undefined
  /** Every certificate and intent of an instance that has not ended by then, and is not revoked. */
  revocableOf(instance: string, after: number): readonly CertificateRow[]
  /** Every certificate and intent of an instance that has not ended by then, and is revoked. */
  revokedOf(instance: string, after: number): readonly CertificateRow[]
  /**
   * Every certificate and intent of an instance, the newest first, at most `limit`. Looks through all there are: for whoever
   * nobody waits for.
   */
  certificatesOf(instance: string, limit: number): readonly CertificateRow[]
  /** Certificates and intents whose serial begins so (lowercase hex). */
  certificatesFrom(serial: string): readonly CertificateRow[]
  /** Whether a serial that was used, or is about to be, has these first 64 bits (`revokedPrefix`). */
  isSerialPrefixUsed(prefix: string): boolean
  revocation(serial: string): RevocationRow | undefined
  /** @param spkiHash SHA-256 of a SubjectPublicKeyInfo, lowercase hex */
  isKeyCompromised(spkiHash: string): boolean
  /** Revocations in the order of their recording; to be read at once, before anything else is asked. */
  revoked(which: RevokedAfter): Iterable<RevokedCertificate>
  /** The number of the last revocation of a slot; 0 where there is none. */
  lastRevocationOf(slot: string): number
  /** The newest revocation list of each CA, and of each part of it, without its octets. */
  lists(): readonly ListHead[]
  list(slot: string, scope: string): ListRow | undefined
  /** Certificates in state `issued` whose `notAfter` is later than `after` (milliseconds since the epoch). */
  liveCertificates(after: number): readonly CertificateRow[]
  /**
   * When the first of those ends, infinity where there is none: between the two times, `liveCertificates` and `pinnedKeys` are
   * the same.
   */
  nextEnd(after: number): number
  trustStatements(): readonly TrustStatementRow[]
  /** The newest bundle, with the digests of the sections it names, sorted. */
  bundle(): PublishedBundleRow | undefined
  /** A section of the newest bundle or of the one before it; older ones are forgotten. */
  section(digest: string): Uint8Array | undefined
  /** What each instance said last that it enforces. */
  acknowledgements(): readonly AcknowledgementRow[]
  /** What was last handed to each instance that reads files. */
  deliveries(): readonly DeliveryRow[]
  /** What failed last time it was tried, and when it is tried again. */
  attempts(): readonly AttemptRow[]
  /** The next key of each instance that has one. */
  nextKeys(): readonly NextKeyRow[]
  /**
   * The keys that members may show, in the order of services and hashes, each once: of their certificates in state `issued`
   * whose `notAfter` is later than `after` (milliseconds since the epoch), and their next keys.
   */
  pinnedKeys(after: number): readonly PinnedKey[]
  pinning(): PinningRow | undefined
  /** Certificates of one profile in state `issued`. Of leaves there may be millions. */
  issuedOf(profile: Exclude<CertificateProfile, 'leaf'>): readonly CertificateRow[]
  /** Audit entries with a number above `after`, oldest first, at most `limit`. */
  audit(after: number, limit: number): readonly AuditRow[]
  /** The same entries as they are hashed, oldest first. */
  auditRecords(after: number): Iterable<HashedRecord>
  /** How many entries there are, and the root of their tree. */
  auditTree(): TreeRoot
  /** What the audit was when each bundle was published, in the order of the bundles. */
  auditCheckpoints(): readonly AuditCheckpointRow[]
}

export interface Transaction extends Reader {
  /** Recorded once, at the first apply; a second call throws `MESH_EXISTS`. */
  createMesh(row: MeshRow): void
  /** A generation is only ever raised: a lower one throws `NUMBER_REUSED`. */
  changeMesh(change: MeshChange): void
  /** Inserts or replaces, by `id`; so do the next two. A row must be there before another refers to it. */
  putSlot(row: SlotRow): void
  putService(row: ServiceRow): void
  /** @throws AuthorityError `REFERENCE_MISSING` when its service is not there */
  putInstance(row: InstanceRow): void
  /**
   * Step 5 of story 1: the serial and what is about to be signed, before any signature. Slot and instance must be
   * there, else `REFERENCE_MISSING`.
   */
  recordIntent(row: IntentRow): void
  /**
   * Step 8 of story 1: the signed certificate. The serial must be an intent, else `NO_INTENT`. Where its key was the next one
   * of its instance, it is so no more.
   *
   * @param log the slot of the log that has promised to hold it; it must be there, else `REFERENCE_MISSING`
   * @returns the serial of the one whose place it takes as its instance's current certificate
   */
  recordIssued(serial: string, der: Uint8Array, log?: string): string | undefined
  /** Puts an earlier certificate of an instance back as its current one. The serial must be an issued one of it. */
  makeCurrent(instance: string, serial: string): void
  /** Inserts or replaces, by instance; so does the next one. */
  putAcknowledgement(row: AcknowledgementRow): void
  putDelivery(row: DeliveryRow): void
  /** Inserts or replaces, by kind and subject. */
  putAttempt(row: AttemptRow): void
  /** It was done, or needs no longer be; nothing happens where there is none. */
  forgetAttempt(kind: AttemptKind, subject: string): void
  /** Inserts or replaces, by instance. `REFERENCE_MISSING` where the instance is not there. */
  putNextKey(row: NextKeyRow): void
  /** Nothing happens where there is none. */
  forgetNextKey(instance: string): void
  /** Every next key that was in no bundle before is in this one. */
  announceNextKeys(bundle: Announced): void
  putPinning(row: PinningRow): void
  /**
   * Revokes a certificate, or an intent, which then never becomes one. For good: nothing takes it back.
   *
   * @returns false where it was revoked before; reason and time stay those of then
   * @throws AuthorityError `REFERENCE_MISSING` when the serial is not on record
   */
  revoke(row: RevocationRow): boolean
  /** Records that others have the key too, or may have. For good. @returns false where that was known before */
  addCompromisedKey(row: CompromisedKeyRow): boolean
  /** Inserts or replaces, by slot and scope. A number that is not above the one before it throws `NUMBER_REUSED`. */
  putList(row: ListRow): void
  addTrustStatement(row: TrustStatementRow): void
  /** @param sections every section the head names, by digest, those that did not change included */
  addBundle(row: BundleRow, sections: ReadonlyMap<string, Uint8Array>): void
  /** The bundle must be there, else `REFERENCE_MISSING`; for good: none is ever changed or removed, and a second one throws `NUMBER_REUSED`. */
  addAuditCheckpoint(row: AuditCheckpointRow): void
  /** Written in the same transaction as the deed it tells of. Never holds key material. `entry` must be JSON. */
  addAudit(row: NewAuditEntry): void
}
