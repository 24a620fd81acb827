import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { DocumentNumber } from '@datapunk/protocol'
import type { TreeRoot } from '@datapunk/tlog'
import { AuditEdge } from './audit-edge.ts'
import type { Transaction } from './contract.ts'
import { checkListNumber, checkNumber, refusal } from './refusal.ts'
import type {
  AcknowledgementRow,
  Announced,
  AttemptKind,
  AttemptRow,
  AuditCheckpointRow,
  BundleRow,
  CompromisedKeyRow,
  DeliveryRow,
  InstanceRow,
  IntentRow,
  ListRow,
  MeshChange,
  MeshRow,
  NewAuditEntry,
  NextKeyRow,
  PinningRow,
  RevocationRow,
  ServiceRow,
  SlotRow,
  TrustStatementRow,
} from './rows.ts'
import { SqliteReader } from './sqlite-reader.ts'

/** Extended result codes, https://www.sqlite.org/rescode.html */
const SQLITE_CONSTRAINT_FOREIGNKEY = 787
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555
const SQLITE_CONSTRAINT_UNIQUE = 2067

/** The writing half of `SqliteStore`; usable only between `open` and `shut`. */
export class SqliteTransaction extends SqliteReader implements Transaction {
  readonly #createMesh: StatementSync
  readonly #changeMesh: StatementSync
  readonly #putSlot: StatementSync
  readonly #putService: StatementSync
  readonly #putInstance: StatementSync
  readonly #recordIntent: StatementSync
  readonly #recordIssued: StatementSync
  readonly #currentOf: StatementSync
  readonly #makeCurrent: StatementSync
  readonly #issuedTo: StatementSync
  readonly #putAcknowledgement: StatementSync
  readonly #putDelivery: StatementSync
  readonly #putAttempt: StatementSync
  readonly #forgetAttempt: StatementSync
  readonly #putNextKey: StatementSync
  readonly #forgetNextKey: StatementSync
  readonly #usedNextKey: StatementSync
  readonly #announceNextKeys: StatementSync
  readonly #putPinning: StatementSync
  readonly #numberOf: StatementSync
  readonly #putList: StatementSync
  readonly #revoke: StatementSync
  readonly #markRevoked: StatementSync
  readonly #addCompromisedKey: StatementSync
  readonly #lastStatement: StatementSync
  readonly #addTrustStatement: StatementSync
  readonly #addBundle: StatementSync
  readonly #addSection: StatementSync
  readonly #nameSection: StatementSync
  readonly #forgetNames: StatementSync
  readonly #forgetSections: StatementSync
  readonly #addAudit: StatementSync
  readonly #addAuditCheckpoint: StatementSync
  readonly #audit: AuditEdge
  #open = false

  constructor(database: DatabaseSync) {
    super(database)
    const put = (table: string, columns: readonly string[]) => {
      const updates = columns.slice(1).map((column) => `${column} = excluded.${column}`)
      return database.prepare(
        `INSERT INTO ${table} (${columns}) VALUES (${columns.map(() => '?')})
         ON CONFLICT DO UPDATE SET ${updates}`,
      )
    }
    this.#createMesh = database.prepare('INSERT INTO mesh VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    this.#changeMesh = database.prepare(
      'UPDATE mesh SET generation = ?, halted = ?, backed_up_at = ?, scts = ?, bundle_terms = ?, settings = ?',
    )
    this.#putSlot = put('slot', [
      'id',
      'kind',
      'state',
      'algorithm',
      'spki_hash',
      'spki',
      'certificate',
      'since',
      'left_out',
      'origin',
      'monitored',
      'told_in',
    ])
    this.#putService = put('service', ['service', 'spiffe_id', 'state', 'settings', 'since', 'barred_at'])
    this.#putInstance = put('instance', ['id', 'service', 'place', 'since', 'held'])
    this.#recordIntent = database.prepare(
      `INSERT INTO certificate (serial, profile, slot, spki_hash, instance, not_before, not_after, tbs_hash,
       request, intended_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'intended')`,
    )
    this.#recordIssued = database.prepare(
      `UPDATE certificate SET state = 'issued', der = ?, log = ?
       WHERE serial = ? AND state = 'intended' AND revocation IS NULL
       RETURNING number, instance, spki_hash AS spkiHash`,
    )
    this.#currentOf = database.prepare(
      `SELECT serial FROM current_certificate JOIN certificate ON certificate.number = current_certificate.certificate
       WHERE current_certificate.instance = ?`,
    )
    this.#makeCurrent = put('current_certificate', ['instance', 'certificate'])
    this.#issuedTo = database.prepare(
      `SELECT number FROM certificate WHERE serial = ? AND instance = ? AND state = 'issued' AND revocation IS NULL`,
    )
    this.#putAcknowledgement = put('acknowledgement', [
      'instance',
      'generation',
      'counter',
      'trust_generation',
      'trust_counter',
      'serial',
      'at',
      'document',
      'left_at',
    ])
    this.#putDelivery = put('delivery', ['instance', 'digest', 'at'])
    this.#putAttempt = put('attempt', ['kind', 'subject', 'attempts', 'next_try_at', 'waits', 'error'])
    this.#forgetAttempt = database.prepare('DELETE FROM attempt WHERE kind = ? AND subject = ?')
    this.#putNextKey = put('next_key', [
      'instance',
      'spki_hash',
      'algorithm',
      'key_size',
      'generation',
      'counter',
      'announced_at',
    ])
    this.#forgetNextKey = database.prepare('DELETE FROM next_key WHERE instance = ?')
    this.#usedNextKey = database.prepare('DELETE FROM next_key WHERE instance = ? AND spki_hash = ?')
    this.#announceNextKeys = database.prepare(
      'UPDATE next_key SET generation = ?, counter = ?, announced_at = ? WHERE generation IS NULL',
    )
    this.#putPinning = put('pinning', [
      'one',
      'wanted',
      'mode',
      'generation',
      'counter',
      'since',
      'suspended_until',
    ])
    this.#numberOf = database.prepare('SELECT number, slot, revocation FROM certificate WHERE serial = ?')
    this.#revoke = database.prepare(
      'INSERT INTO revocation (certificate, slot, reason, at) VALUES (?, ?, ?, ?)',
    )
    this.#markRevoked = database.prepare('UPDATE certificate SET revocation = ? WHERE number = ?')
    this.#addCompromisedKey = database.prepare(
      'INSERT INTO compromised_key (spki_hash, at) VALUES (?, ?) ON CONFLICT DO NOTHING',
    )
    this.#putList = put('list', [
      'slot',
      'scope',
      'number',
      'this_update',
      'next_update',
      'revocations',
      'base_number',
      'base_next_update',
      'base_revocations',
      'der',
    ])
    this.#lastStatement = database.prepare(
      'SELECT generation, counter FROM trust_statement ORDER BY generation DESC, counter DESC LIMIT 1',
    )
    this.#addTrustStatement = database.prepare('INSERT INTO trust_statement VALUES (?, ?, ?)')
    this.#addBundle = database.prepare('INSERT INTO bundle VALUES (?, ?, ?, ?, ?)')
    this.#addSection = database.prepare('INSERT INTO section VALUES (?, ?) ON CONFLICT DO NOTHING')
    this.#nameSection = database.prepare('INSERT INTO bundle_section VALUES (?, ?, ?)')
    this.#forgetNames = database.prepare(
      `DELETE FROM bundle_section WHERE (generation, counter) NOT IN
       (SELECT generation, counter FROM bundle ORDER BY generation DESC, counter DESC LIMIT 2)`,
    )
    this.#forgetSections = database.prepare(
      'DELETE FROM section WHERE NOT EXISTS (SELECT 1 FROM bundle_section WHERE digest = section.digest)',
    )
    this.#addAudit = database.prepare('INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?)')
    this.#addAuditCheckpoint = database.prepare('INSERT INTO audit_checkpoint VALUES (?, ?, ?, ?)')
    const putEdge = database.prepare('UPDATE audit_edge SET edge = ?')
    this.#audit = new AuditEdge(
      () => this.auditEdge(),
      (tree) => putEdge.run(tree.encode()),
    )
  }

  open(): void {
    this.#open = true
    this.#audit.open()
  }

  shut(): void {
    this.#open = false
  }

  /** The work that was open is taken back. */
  undo(): void {
    this.#audit.undo()
  }

  /** Before the commit: what is stored once for all works. */
  keep(): void {
    this.#audit.keep()
  }

  /** After the commit, whatever became of it. */
  forget(): void {
    this.#audit.forget()
  }

  override auditTree(): TreeRoot {
    return this.#audit.tree()
  }

  createMesh(row: MeshRow): void {
    this.#mustBeOpen()
    refusing(SQLITE_CONSTRAINT_PRIMARYKEY, refusal.meshExists, () =>
      this.#createMesh.run(
        row.meshId,
        row.trustDomain,
        row.environment,
        row.generation,
        row.createdAt,
        row.halted ?? null,
        row.backedUpAt ?? null,
        row.scts ?? null,
        termsText(row),
        row.settings ?? null,
      ),
    )
  }

  changeMesh(change: MeshChange): void {
    this.#mustBeOpen()
    const before = this.mesh()
    if (before === undefined) throw refusal.noMesh()
    const after = { ...before, ...change }
    const { generation, halted, backedUpAt, scts, settings } = after
    if (generation < before.generation) throw refusal.generation(generation, before.generation)
    const more = [termsText(after), settings ?? null]
    this.#changeMesh.run(generation, halted ?? null, backedUpAt ?? null, scts ?? null, ...more)
  }

  putSlot(row: SlotRow): void {
    this.#mustBeOpen()
    const { id, kind, state, algorithm, spkiHash, spki, certificate, since } = row
    const toldIn = row.toldIn === undefined ? null : JSON.stringify(row.toldIn)
    const more = [JSON.stringify(row.leftOut), row.origin ?? null, row.monitored ?? null, toldIn]
    this.#putSlot.run(id, kind, state, algorithm, spkiHash, spki, certificate ?? null, since, ...more)
  }

  putService(row: ServiceRow): void {
    this.#mustBeOpen()
    this.#putService.run(row.service, row.spiffeId, row.state, row.settings, row.since, row.barredAt ?? null)
  }

  putInstance(row: InstanceRow): void {
    this.#mustBeOpen()
    const refuse = () => refusal.referenceMissing(`instance ${row.id}`, `service ${row.service}`)
    refusing(SQLITE_CONSTRAINT_FOREIGNKEY, refuse, () =>
      this.#putInstance.run(row.id, row.service, row.place, row.since, row.held ?? null),
    )
  }

  recordIntent(row: IntentRow): void {
    this.#mustBeOpen()
    const { serial, profile, slot, spkiHash, instance, notBefore, notAfter, tbsHash, request, intendedAt } =
      row
    refusing(
      SQLITE_CONSTRAINT_UNIQUE,
      () => refusal.serialReused(serial),
      () =>
        refusing(
          SQLITE_CONSTRAINT_FOREIGNKEY,
          () => refusal.intentReference(row),
          () =>
            this.#recordIntent.run(
              serial,
              profile,
              slot,
              spkiHash,
              instance ?? null,
              notBefore,
              notAfter,
              tbsHash,
              request,
              intendedAt,
            ),
        ),
    )
  }

  recordIssued(serial: string, der: Uint8Array, log?: string): string | undefined {
    this.#mustBeOpen()
    const issued = refusing(
      SQLITE_CONSTRAINT_FOREIGNKEY,
      () => refusal.logReference(serial, log!),
      () => this.#recordIssued.get(der, log ?? null, serial),
    )
    if (issued === undefined) throw refusal.noIntent(serial)
    if (issued.instance === null) return undefined
    const before = this.#currentOf.get(issued.instance!)
    this.#makeCurrent.run(issued.instance!, issued.number!)
    this.#usedNextKey.run(issued.instance!, issued.spkiHash!)
    return before?.serial as string | undefined
  }

  makeCurrent(instance: string, serial: string): void {
    this.#mustBeOpen()
    const row = this.#issuedTo.get(serial, instance)
    if (row === undefined) {
      throw refusal.referenceMissing(`instance ${instance}`, `issued certificate ${serial}`)
    }
    this.#makeCurrent.run(instance, row.number!)
  }

  putAcknowledgement(row: AcknowledgementRow): void {
    this.#mustBeOpen()
    const { instance, generation, counter, trustStatement, serial, at, document, leftAt } = row
    const number = [generation, counter, trustStatement.generation, trustStatement.counter]
    const said = [serial, at, document, leftAt ?? null]
    this.#ofInstance('acknowledgement', instance, () =>
      this.#putAcknowledgement.run(instance, ...number, ...said),
    )
  }

  putDelivery({ instance, digest, at }: DeliveryRow): void {
    this.#mustBeOpen()
    this.#ofInstance('delivery', instance, () => this.#putDelivery.run(instance, digest, at))
  }

  putAttempt({ kind, subject, attempts, nextTryAt, waits, error }: AttemptRow): void {
    this.#mustBeOpen()
    this.#putAttempt.run(kind, subject, attempts, nextTryAt, Number(waits), error)
  }

  forgetAttempt(kind: AttemptKind, subject: string): void {
    this.#mustBeOpen()
    this.#forgetAttempt.run(kind, subject)
  }

  putNextKey({ instance, spkiHash, algorithm, keySize, announced }: NextKeyRow): void {
    this.#mustBeOpen()
    const of = [announced?.generation ?? null, announced?.counter ?? null, announced?.at ?? null]
    this.#ofInstance('next key', instance, () =>
      this.#putNextKey.run(instance, spkiHash, algorithm, keySize, ...of),
    )
  }

  forgetNextKey(instance: string): void {
    this.#mustBeOpen()
    this.#forgetNextKey.run(instance)
  }

  announceNextKeys({ generation, counter, at }: Announced): void {
    this.#mustBeOpen()
    this.#announceNextKeys.run(generation, counter, at)
  }

  putPinning({ wanted, mode, since, suspendedUntil }: PinningRow): void {
    this.#mustBeOpen()
    const of = [since?.generation ?? null, since?.counter ?? null, since?.at ?? null]
    this.#putPinning.run(1, wanted, mode, ...of, suspendedUntil ?? null)
  }

  revoke({ serial, reason, at }: RevocationRow): boolean {
    this.#mustBeOpen()
    const row = this.#numberOf.get(serial)
    if (row === undefined) throw refusal.referenceMissing(`the revocation of ${serial}`, 'certificate')
    if (row.revocation !== null) return false
    const { lastInsertRowid } = this.#revoke.run(row.number!, row.slot!, reason, at)
    this.#markRevoked.run(lastInsertRowid, row.number!)
    return true
  }

  addCompromisedKey({ spkiHash, at }: CompromisedKeyRow): boolean {
    this.#mustBeOpen()
    return this.#addCompromisedKey.run(spkiHash, at).changes > 0
  }

  putList(row: ListRow): void {
    this.#mustBeOpen()
    checkListNumber(row, this.lists())
    const { slot, scope, number, thisUpdate, nextUpdate, revocations, base, der } = row
    const ofBase = base ? [base.number, base.nextUpdate, base.revocations] : [null, null, null]
    refusing(
      SQLITE_CONSTRAINT_FOREIGNKEY,
      () => refusal.referenceMissing(`the list of ${slot}`, `slot ${slot}`),
      () => this.#putList.run(slot, scope, number, thisUpdate, nextUpdate, revocations, ...ofBase, der),
    )
  }

  addTrustStatement(row: TrustStatementRow): void {
    this.#mustBeOpen()
    checkNumber('trust statement', row, this.#lastStatement.get() as DocumentNumber | undefined)
    this.#addTrustStatement.run(row.generation, row.counter, row.bytes)
  }

  addBundle(row: BundleRow, sections: ReadonlyMap<string, Uint8Array>): void {
    this.#mustBeOpen()
    checkNumber('bundle', row, this.bundle())
    this.#addBundle.run(row.generation, row.counter, row.head, row.issuedAt, row.expiresAt)
    for (const [digest, bytes] of sections) {
      this.#addSection.run(digest, bytes)
      this.#nameSection.run(row.generation, row.counter, digest)
    }
    this.#forgetNames.run()
    this.#forgetSections.run()
  }

  addAudit(row: NewAuditEntry): void {
    this.#mustBeOpen()
    this.#audit.add({ ...row, entry: JSON.stringify(row.entry) }, (record, leaf) => {
      const { number, at, actor, deed, entry } = record
      refusing(
        SQLITE_CONSTRAINT_PRIMARYKEY,
        () => refusal.auditChanged(number),
        () => this.#addAudit.run(number, at, actor, deed, entry, leaf),
      )
    })
  }

  addAuditCheckpoint({ generation, counter, size, root }: AuditCheckpointRow): void {
    this.#mustBeOpen()
    const what = `bundle ${generation}.${counter}`
    refusing(
      SQLITE_CONSTRAINT_FOREIGNKEY,
      () => refusal.referenceMissing(`the audit’s checkpoint of ${what}`, what),
      () =>
        refusing(
          SQLITE_CONSTRAINT_PRIMARYKEY,
          () => refusal.checkpointExists({ generation, counter }),
          () => this.#addAuditCheckpoint.run(generation, counter, size, root),
        ),
    )
  }

  #ofInstance(what: string, instance: string, run: () => unknown): void {
    const refuse = () => refusal.referenceMissing(`the ${what} of ${instance}`, `instance ${instance}`)
    refusing(SQLITE_CONSTRAINT_FOREIGNKEY, refuse, run)
  }

  #mustBeOpen(): void {
    if (!this.#open) throw refusal.outsideWork()
  }
}

/** Says a constraint's refusal in the words of the contract. */
function refusing<T>(code: number, refuse: () => Error, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw (error as { errcode?: number }).errcode === code ? refuse() : error
  }
}

function termsText({ bundleTerms }: MeshRow): string | null {
  return bundleTerms === undefined ? null : JSON.stringify(bundleTerms)
}
