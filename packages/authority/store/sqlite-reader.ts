import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { revokedPrefix } from '@datapunk/protocol'
import { CompactTree, type TreeRoot } from '@datapunk/tlog'
import type { Reader } from './contract.ts'
import { ReadStatement, type Row } from './read-statement.ts'
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

const certificateColumns = `serial, profile, slot, spki_hash AS spkiHash, certificate.instance, not_before AS notBefore,
  not_after AS notAfter, tbs_hash AS tbsHash, request, intended_at AS intendedAt,
  iif(certificate.revocation IS NULL, certificate.state, 'revoked') AS state, der, log`

/** SQLite would rather go through all there ever were than sort those that are left. */
const issued = 'certificate INDEXED BY certificate_live'

/** And not revoked since. */
const isIssued = "certificate.state = 'issued' AND certificate.revocation IS NULL"

const listColumns = `slot, scope, number, this_update AS thisUpdate, next_update AS nextUpdate, revocations,
  base_number AS baseNumber, base_next_update AS baseNextUpdate, base_revocations AS baseRevocations`

/** As many are read much faster together than one by one. */
const RECORDS_AT_ONCE = 1000

/** The reading half of `SqliteStore`. The schema's STRICT tables hold what the casts say. */
export class SqliteReader implements Reader {
  readonly #mesh: ReadStatement
  readonly #slots: ReadStatement
  readonly #services: ReadStatement
  readonly #instances: ReadStatement
  readonly #currentCertificates: ReadStatement
  readonly #terms: ReadStatement
  readonly #certificate: ReadStatement
  readonly #liveCertificates: ReadStatement
  readonly #nextEnd: ReadStatement
  readonly #revocableOf: ReadStatement
  readonly #revokedOf: ReadStatement
  readonly #certificatesOf: ReadStatement
  readonly #certificatesFrom: ReadStatement
  readonly #serialsFrom: ReadStatement
  readonly #revocation: ReadStatement
  readonly #compromised: ReadStatement
  readonly #revoked: ReadStatement
  readonly #lastRevocationOf: ReadStatement
  readonly #lists: ReadStatement
  readonly #list: ReadStatement
  readonly #trustStatements: ReadStatement
  readonly #bundle: ReadStatement
  readonly #section: ReadStatement
  readonly #acknowledgements: ReadStatement
  readonly #deliveries: ReadStatement
  readonly #attempts: ReadStatement
  readonly #nextKeys: ReadStatement
  readonly #pinnedKeys: ReadStatement
  readonly #pinning: ReadStatement
  readonly #issuedOf: ReadStatement
  readonly #audit: ReadStatement
  readonly #auditRecords: ReadStatement
  readonly #auditEdge: ReadStatement
  readonly #auditCheckpoints: ReadStatement

  constructor(database: DatabaseSync) {
    const reading = (sql: string) => new ReadStatement(database, sql)
    this.#mesh = reading(
      `SELECT mesh_id AS meshId, trust_domain AS trustDomain, environment, generation, created_at AS createdAt, halted,
       backed_up_at AS backedUpAt, scts, bundle_terms AS bundleTerms, settings FROM mesh`,
    )
    this.#slots = reading(
      `SELECT id, kind, state, algorithm, spki_hash AS spkiHash, spki, certificate, since, left_out AS leftOut, origin, monitored,
       told_in AS toldIn FROM slot
       ORDER BY id`,
    )
    this.#services = reading(
      'SELECT service, spiffe_id AS spiffeId, state, settings, since, barred_at AS barredAt FROM service ORDER BY service',
    )
    this.#instances = reading('SELECT id, service, place, since, held FROM instance ORDER BY id')
    this.#currentCertificates = reading(
      `SELECT ${certificateColumns} FROM current_certificate JOIN certificate
       ON certificate.number = current_certificate.certificate WHERE ${isIssued} ORDER BY certificate.number`,
    )
    this.#terms = reading(
      `SELECT instance.service, instance.id AS instance, place, serial IS held AS held, serial, not_before AS notBefore, not_after AS notAfter
       FROM current_certificate JOIN certificate ON certificate.number = current_certificate.certificate
       JOIN instance ON instance.id = certificate.instance JOIN service USING (service)
       WHERE ${isIssued} AND service.state = 'member' ORDER BY certificate.number`,
    )
    this.#certificate = reading(`SELECT ${certificateColumns} FROM certificate WHERE serial = ?`)
    this.#liveCertificates = reading(
      `SELECT ${certificateColumns} FROM ${issued} WHERE ${isIssued} AND not_after > ? ORDER BY number`,
    )
    this.#nextEnd = reading(
      `SELECT min(not_after) AS ends FROM ${issued} WHERE ${isIssued} AND not_after > ?`,
    )
    this.#revocableOf = reading(
      `SELECT ${certificateColumns} FROM certificate WHERE certificate.instance = ? AND not_after > ?
       AND certificate.revocation IS NULL ORDER BY number`,
    )
    this.#revokedOf = reading(
      `SELECT ${certificateColumns} FROM certificate WHERE certificate.instance = ? AND not_after > ?
       AND certificate.revocation IS NOT NULL ORDER BY number`,
    )
    this.#certificatesOf = reading(
      `SELECT ${certificateColumns} FROM certificate WHERE certificate.instance = ? ORDER BY number DESC LIMIT ?`,
    )
    this.#certificatesFrom = reading(
      `SELECT ${certificateColumns} FROM certificate WHERE serial BETWEEN ? AND ? ORDER BY number`,
    )
    this.#serialsFrom = reading('SELECT serial FROM certificate WHERE serial BETWEEN ? AND ?')
    this.#revocation = reading(
      `SELECT serial, reason, revocation.at FROM certificate JOIN revocation
       ON revocation.number = certificate.revocation WHERE serial = ?`,
    )
    this.#compromised = reading('SELECT 1 FROM compromised_key WHERE spki_hash = ?')
    this.#revoked = reading(
      `SELECT revocation.number, serial, reason, revocation.at, profile, certificate.slot, not_after AS notAfter
       FROM revocation JOIN certificate ON certificate.number = revocation.certificate
       WHERE revocation.number > ?1 AND not_after > ?2 AND (?3 IS NULL OR revocation.slot = ?3) ORDER BY revocation.number`,
    )
    this.#lastRevocationOf = reading('SELECT max(number) AS number FROM revocation WHERE slot = ?')
    this.#lists = reading(`SELECT ${listColumns} FROM list ORDER BY slot, scope`)
    this.#list = reading(`SELECT ${listColumns}, der FROM list WHERE slot = ? AND scope = ?`)
    this.#trustStatements = reading(
      'SELECT generation, counter, bytes FROM trust_statement ORDER BY generation, counter',
    )
    this.#bundle = reading(
      `SELECT generation, counter, head, issued_at AS issuedAt, expires_at AS expiresAt,
       (SELECT json_group_array(digest ORDER BY digest) FROM bundle_section AS named
        WHERE named.generation = bundle.generation AND named.counter = bundle.counter) AS sections FROM bundle
       ORDER BY generation DESC, counter DESC LIMIT 1`,
    )
    this.#section = reading('SELECT bytes FROM section WHERE digest = ?')
    this.#acknowledgements = reading('SELECT * FROM acknowledgement ORDER BY instance')
    this.#deliveries = reading('SELECT instance, digest, at FROM delivery ORDER BY instance')
    this.#attempts = reading(
      'SELECT kind, subject, attempts, next_try_at AS nextTryAt, waits, error FROM attempt ORDER BY kind, subject',
    )
    this.#nextKeys = reading(
      `SELECT instance, spki_hash AS spkiHash, algorithm, key_size AS keySize, generation, counter, announced_at AS at
       FROM next_key ORDER BY instance`,
    )
    this.#pinnedKeys = reading(
      `SELECT DISTINCT service, spkiHash FROM
       (SELECT certificate.instance, spki_hash AS spkiHash FROM ${issued} WHERE ${isIssued} AND not_after > ?
        UNION ALL SELECT instance, spki_hash FROM next_key) AS pinned
       JOIN instance ON instance.id = pinned.instance JOIN service USING (service) WHERE service.state = 'member'
       ORDER BY service, spkiHash`,
    )
    this.#pinning = reading(
      `SELECT wanted, mode, generation, counter, since AS at, suspended_until AS suspendedUntil FROM pinning`,
    )
    // The index is found by its own condition alone, word for word.
    this.#issuedOf = reading(
      `SELECT ${certificateColumns} FROM certificate INDEXED BY certificate_of_others
       WHERE ${isIssued} AND profile <> 'leaf' AND profile = ? ORDER BY number`,
    )
    this.#audit = reading(
      'SELECT number, at, actor, deed, entry FROM audit WHERE number > ? ORDER BY number LIMIT ?',
    )
    this.#auditRecords = reading(
      `SELECT number, at, actor, deed, entry, lower(hex(leaf)) AS leaf FROM audit WHERE number > ? ORDER BY number
       LIMIT ${RECORDS_AT_ONCE}`,
    )
    this.#auditEdge = reading('SELECT edge FROM audit_edge')
    this.#auditCheckpoints = reading('SELECT * FROM audit_checkpoint ORDER BY generation, counter')
  }

  mesh(): MeshRow | undefined {
    const row = this.#mesh.get()
    if (row === undefined) return undefined
    const { scts, bundleTerms, settings, ...always } = row
    return {
      ...always,
      halted: row.halted ?? undefined,
      backedUpAt: row.backedUpAt ?? undefined,
      ...(scts !== null && { scts }),
      ...(bundleTerms !== null && { bundleTerms: parsed(bundleTerms) }),
      ...(settings !== null && { settings }),
    } as unknown as MeshRow
  }

  slots(): readonly SlotRow[] {
    return this.#slots.all().map(({ origin, monitored, toldIn, ...row }) => {
      const certificate = row.certificate ?? undefined
      const leftOut = parsed(row.leftOut)
      const ofLog = { ...(origin !== null && { origin }), ...(monitored !== null && { monitored }) }
      const ofRetiring = toldIn !== null && { toldIn: parsed(toldIn) }
      return { ...row, certificate, leftOut, ...ofLog, ...ofRetiring } as unknown as SlotRow
    })
  }

  services(): readonly ServiceRow[] {
    return this.#services
      .all()
      .map((row) => ({ ...row, barredAt: row.barredAt ?? undefined }) as unknown as ServiceRow)
  }

  instances(): readonly InstanceRow[] {
    return this.#instances
      .all()
      .map((row) => ({ ...row, held: row.held ?? undefined }) as unknown as InstanceRow)
  }

  currentCertificates(): readonly CertificateRow[] {
    return this.#currentCertificates.all().map(certificateOf)
  }

  terms(): readonly TermRow[] {
    return this.#terms.all().map(termOf)
  }

  certificate(serial: string): CertificateRow | undefined {
    const row = this.#certificate.get(serial)
    return row && certificateOf(row)
  }

  liveCertificates(after: number): readonly CertificateRow[] {
    return this.#liveCertificates.all(after).map(certificateOf)
  }

  nextEnd(after: number): number {
    return (this.#nextEnd.get(after)!.ends ?? Number.POSITIVE_INFINITY) as number
  }

  revocableOf(instance: string, after: number): readonly CertificateRow[] {
    return this.#revocableOf.all(instance, after).map(certificateOf)
  }

  revokedOf(instance: string, after: number): readonly CertificateRow[] {
    return this.#revokedOf.all(instance, after).map(certificateOf)
  }

  certificatesOf(instance: string, limit: number): readonly CertificateRow[] {
    return this.#certificatesOf.all(instance, limit).map(certificateOf)
  }

  certificatesFrom(serial: string): readonly CertificateRow[] {
    return this.#certificatesFrom.all(serial, `${serial}~`).map(certificateOf)
  }

  isSerialPrefixUsed(prefix: string): boolean {
    // DER leaves out octets of zero, and writes one where the number would begin with a high bit.
    const text = prefix.replace(/^(00)+/, '').replace(/^(?=[89a-f])/, '00')
    return this.#serialsFrom
      .all(text, `${text}~`)
      .some(({ serial }) => revokedPrefix(serial as string) === prefix)
  }

  revocation(serial: string): RevocationRow | undefined {
    const row = this.#revocation.get(serial)
    return row && ({ ...row } as unknown as RevocationRow)
  }

  isKeyCompromised(spkiHash: string): boolean {
    return this.#compromised.get(spkiHash) !== undefined
  }

  lastRevocationOf(slot: string): number {
    return (this.#lastRevocationOf.get(slot)!.number ?? 0) as number
  }

  lists(): readonly ListHead[] {
    return this.#lists.all().map(listOf)
  }

  list(slot: string, scope: string): ListRow | undefined {
    const row = this.#list.get(slot, scope)
    return row && (listOf(row) as ListRow)
  }

  revoked({ number, time, slot }: RevokedAfter): Iterable<RevokedCertificate> {
    return this.#revoked.iterate(
      number,
      time,
      slot ?? null,
    ) as Iterable<unknown> as Iterable<RevokedCertificate>
  }

  trustStatements(): readonly TrustStatementRow[] {
    return all<TrustStatementRow>(this.#trustStatements)
  }

  bundle(): PublishedBundleRow | undefined {
    const row = this.#bundle.get()
    return row && ({ ...row, sections: parsed(row.sections) } as unknown as PublishedBundleRow)
  }

  section(digest: string): Uint8Array | undefined {
    return this.#section.get(digest)?.bytes as Uint8Array | undefined
  }

  acknowledgements(): readonly AcknowledgementRow[] {
    return this.#acknowledgements.all().map((row) => {
      const { trust_generation: generation, trust_counter: counter, left_at: leftAt, ...rest } = row
      const trustStatement = { generation, counter }
      return { ...rest, trustStatement, leftAt: leftAt ?? undefined } as unknown as AcknowledgementRow
    })
  }

  deliveries(): readonly DeliveryRow[] {
    return all<DeliveryRow>(this.#deliveries)
  }

  attempts(): readonly AttemptRow[] {
    return this.#attempts.all().map((row) => ({ ...row, waits: row.waits === 1 }) as unknown as AttemptRow)
  }

  nextKeys(): readonly NextKeyRow[] {
    return this.#nextKeys.all().map(({ generation, counter, at, ...row }) => {
      const announced = generation === null ? undefined : { generation, counter, at }
      return { ...row, announced } as unknown as NextKeyRow
    })
  }

  pinnedKeys(after: number): readonly PinnedKey[] {
    return this.#pinnedKeys.all(after).map((row) => ({ ...row }) as unknown as PinnedKey)
  }

  pinning(): PinningRow | undefined {
    const row = this.#pinning.get()
    if (row === undefined) return undefined
    const { generation, counter, at, suspendedUntil, ...said } = row
    const since = generation === null ? undefined : { generation, counter, at }
    return { ...said, since, suspendedUntil: suspendedUntil ?? undefined } as unknown as PinningRow
  }

  issuedOf(profile: Exclude<CertificateProfile, 'leaf'>): readonly CertificateRow[] {
    return this.#issuedOf.all(profile).map(certificateOf)
  }

  audit(after: number, limit: number): readonly AuditRow[] {
    return this.#audit
      .all(after, limit)
      .map((row) => ({ ...row, entry: parsed(row.entry) }) as unknown as AuditRow)
  }

  *auditRecords(after: number): Iterable<HashedRecord> {
    for (let last = after; ; ) {
      const records = this.#auditRecords.all(last) as unknown as HashedRecord[]
      yield* records
      if (records.length < RECORDS_AT_ONCE) return
      last = records.at(-1)!.number
    }
  }

  auditTree(): TreeRoot {
    const tree = this.auditEdge()
    return { size: tree.size, root: tree.root() }
  }

  auditCheckpoints(): readonly AuditCheckpointRow[] {
    return all<AuditCheckpointRow>(this.#auditCheckpoints)
  }

  /** As it is stored. @throws AuthorityError `AUDIT_CHANGED` */
  protected auditEdge(): CompactTree {
    const row = this.#auditEdge.get()
    if (row === undefined) throw refusal.auditEdge()
    try {
      return CompactTree.decode(row.edge as Uint8Array)
    } catch (cause) {
      throw refusal.auditEdge(cause)
    }
  }
}

/** What is damaged may still look like a row. */
function parsed(text: SQLOutputValue | undefined): unknown {
  try {
    return JSON.parse(text as string)
  } catch (cause) {
    throw refusal.unread(cause, 'damaged')
  }
}

/** SQLite's rows have no prototype; ours are ordinary objects. */
function all<T>(statement: ReadStatement): T[] {
  return statement.all().map((row) => ({ ...row }) as unknown as T)
}

function listOf({ baseNumber, baseNextUpdate, baseRevocations, ...row }: Row): ListHead {
  const base = { number: baseNumber, nextUpdate: baseNextUpdate, revocations: baseRevocations }
  return { ...row, base: baseNumber === null ? undefined : base } as unknown as ListHead
}

/** Field by field: there are many of them. */
function termOf({ service, instance, place, held, serial, notBefore, notAfter }: Row): TermRow {
  return { service, instance, place, held: held === 1, serial, notBefore, notAfter } as TermRow
}

function certificateOf(row: Row): CertificateRow {
  return {
    ...row,
    instance: row.instance ?? undefined,
    der: row.der ?? undefined,
    log: row.log ?? undefined,
  } as unknown as CertificateRow
}
