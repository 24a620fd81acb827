import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type {
  BundleRow,
  Deed,
  InstanceRow,
  IntentRow,
  MeshRow,
  ServiceRow,
  SlotRow,
  Transaction,
  TrustStatementRow,
} from './contract.ts'
import { checkBundleNumber, checkStatementNumber, refusal } from './refusal.ts'
import { SqliteReader } from './sqlite-reader.ts'

/** Extended result codes, https://www.sqlite.org/rescode.html */
const SQLITE_CONSTRAINT_FOREIGNKEY = 787
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555
const SQLITE_CONSTRAINT_UNIQUE = 2067

/** The writing half of `SqliteStore`; usable only between `open` and `shut`. */
export class SqliteTransaction extends SqliteReader implements Transaction {
  readonly #createMesh: StatementSync
  readonly #putSlot: StatementSync
  readonly #putService: StatementSync
  readonly #putInstance: StatementSync
  readonly #recordIntent: StatementSync
  readonly #recordIssued: StatementSync
  readonly #makeCurrent: StatementSync
  readonly #abandonIntent: StatementSync
  readonly #lastStatement: StatementSync
  readonly #addTrustStatement: StatementSync
  readonly #addBundle: StatementSync
  readonly #addSection: StatementSync
  readonly #nameSection: StatementSync
  readonly #forgetNames: StatementSync
  readonly #forgetSections: StatementSync
  readonly #addAudit: StatementSync
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
    this.#createMesh = database.prepare('INSERT INTO mesh VALUES (1, ?, ?, ?, ?, ?)')
    this.#putSlot = put('slot', [
      'id',
      'kind',
      'state',
      'algorithm',
      'spki_hash',
      'spki',
      'certificate',
      'since',
    ])
    this.#putService = put('service', ['service', 'spiffe_id', 'state', 'settings', 'since'])
    this.#putInstance = put('instance', ['id', 'service', 'place', 'since'])
    this.#recordIntent = database.prepare(
      `INSERT INTO certificate (serial, profile, slot, spki_hash, instance, not_before, not_after, tbs_hash,
       request, intended_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'intended')`,
    )
    this.#recordIssued = database.prepare(
      `UPDATE certificate SET state = 'issued', der = ? WHERE serial = ? AND state = 'intended'
       RETURNING number, instance`,
    )
    this.#makeCurrent = put('current_certificate', ['instance', 'certificate'])
    this.#abandonIntent = database.prepare(
      `UPDATE certificate SET state = 'abandoned' WHERE serial = ? AND state = 'intended'`,
    )
    this.#lastStatement = database.prepare('SELECT coalesce(max(number), 0) AS number FROM trust_statement')
    this.#addTrustStatement = database.prepare('INSERT INTO trust_statement VALUES (?, ?)')
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
    this.#addAudit = database.prepare('INSERT INTO audit (at, actor, deed, entry) VALUES (?, ?, ?, ?)')
  }

  open(): void {
    this.#open = true
  }

  shut(): void {
    this.#open = false
  }

  createMesh(row: MeshRow): void {
    this.#mustBeOpen()
    refusing(SQLITE_CONSTRAINT_PRIMARYKEY, refusal.meshExists, () =>
      this.#createMesh.run(row.meshId, row.trustDomain, row.environment, row.generation, row.createdAt),
    )
  }

  putSlot(row: SlotRow): void {
    this.#mustBeOpen()
    const { id, kind, state, algorithm, spkiHash, spki, certificate, since } = row
    this.#putSlot.run(id, kind, state, algorithm, spkiHash, spki, certificate ?? null, since)
  }

  putService(row: ServiceRow): void {
    this.#mustBeOpen()
    this.#putService.run(row.service, row.spiffeId, row.state, row.settings, row.since)
  }

  putInstance(row: InstanceRow): void {
    this.#mustBeOpen()
    const refuse = () => refusal.referenceMissing(`instance ${row.id}`, `service ${row.service}`)
    refusing(SQLITE_CONSTRAINT_FOREIGNKEY, refuse, () =>
      this.#putInstance.run(row.id, row.service, row.place, row.since),
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

  recordIssued(serial: string, der: Uint8Array): void {
    this.#mustBeOpen()
    const issued = this.#recordIssued.get(der, serial)
    if (issued === undefined) throw refusal.noIntent(serial)
    if (issued.instance !== null) this.#makeCurrent.run(issued.instance!, issued.number!)
  }

  abandonIntent(serial: string): void {
    this.#mustBeOpen()
    if (this.#abandonIntent.run(serial).changes === 0) throw refusal.noIntent(serial)
  }

  addTrustStatement(row: TrustStatementRow): void {
    this.#mustBeOpen()
    checkStatementNumber(row, this.#lastStatement.get()!.number as number)
    this.#addTrustStatement.run(row.number, row.bytes)
  }

  addBundle(row: BundleRow, sections: ReadonlyMap<string, Uint8Array>): void {
    this.#mustBeOpen()
    checkBundleNumber(row, this.bundle())
    this.#addBundle.run(row.generation, row.counter, row.head, row.issuedAt, row.expiresAt)
    for (const [digest, bytes] of sections) {
      this.#addSection.run(digest, bytes)
      this.#nameSection.run(row.generation, row.counter, digest)
    }
    this.#forgetNames.run()
    this.#forgetSections.run()
  }

  addAudit(row: { at: number; actor: string; deed: Deed; entry: Readonly<Record<string, unknown>> }): void {
    this.#mustBeOpen()
    this.#addAudit.run(row.at, row.actor, row.deed, JSON.stringify(row.entry))
  }

  #mustBeOpen(): void {
    if (!this.#open) throw refusal.outsideWork()
  }
}

/** Says a constraint's refusal in the words of the contract. */
function refusing(code: number, refuse: () => Error, run: () => unknown): void {
  try {
    run()
  } catch (error) {
    throw (error as { errcode?: number }).errcode === code ? refuse() : error
  }
}
