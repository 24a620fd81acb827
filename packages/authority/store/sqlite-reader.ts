import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite'
import type {
  AuditRow,
  CertificateRow,
  InstanceRow,
  MeshRow,
  PublishedBundleRow,
  Reader,
  ServiceRow,
  SlotRow,
  TrustStatementRow,
} from './contract.ts'

type Row = Record<string, SQLOutputValue>

const certificateColumns = `serial, profile, slot, spki_hash AS spkiHash, certificate.instance, not_before AS notBefore,
  not_after AS notAfter, tbs_hash AS tbsHash, request, intended_at AS intendedAt, state, der`

/** The reading half of `SqliteStore`. The schema's STRICT tables hold what the casts say. */
export class SqliteReader implements Reader {
  readonly #mesh: StatementSync
  readonly #slots: StatementSync
  readonly #services: StatementSync
  readonly #instances: StatementSync
  readonly #currentCertificates: StatementSync
  readonly #certificate: StatementSync
  readonly #liveCertificates: StatementSync
  readonly #trustStatements: StatementSync
  readonly #bundle: StatementSync
  readonly #section: StatementSync
  readonly #audit: StatementSync

  constructor(database: DatabaseSync) {
    this.#mesh = database.prepare(
      'SELECT mesh_id AS meshId, trust_domain AS trustDomain, environment, generation, created_at AS createdAt FROM mesh',
    )
    this.#slots = database.prepare(
      'SELECT id, kind, state, algorithm, spki_hash AS spkiHash, spki, certificate, since FROM slot ORDER BY id',
    )
    this.#services = database.prepare(
      'SELECT service, spiffe_id AS spiffeId, state, settings, since FROM service ORDER BY service',
    )
    this.#instances = database.prepare('SELECT id, service, place, since FROM instance ORDER BY id')
    this.#currentCertificates = database.prepare(
      `SELECT ${certificateColumns} FROM current_certificate JOIN certificate
       ON certificate.number = current_certificate.certificate ORDER BY certificate.number`,
    )
    this.#certificate = database.prepare(`SELECT ${certificateColumns} FROM certificate WHERE serial = ?`)
    this.#liveCertificates = database.prepare(
      `SELECT ${certificateColumns} FROM certificate WHERE state = 'issued' AND not_after > ? ORDER BY number`,
    )
    this.#trustStatements = database.prepare('SELECT number, bytes FROM trust_statement ORDER BY number')
    this.#bundle = database.prepare(
      `SELECT generation, counter, head, issued_at AS issuedAt, expires_at AS expiresAt,
       (SELECT json_group_array(digest ORDER BY digest) FROM bundle_section AS named
        WHERE named.generation = bundle.generation AND named.counter = bundle.counter) AS sections FROM bundle
       ORDER BY generation DESC, counter DESC LIMIT 1`,
    )
    this.#section = database.prepare('SELECT bytes FROM section WHERE digest = ?')
    this.#audit = database.prepare(
      'SELECT number, at, actor, deed, entry FROM audit WHERE number > ? ORDER BY number LIMIT ?',
    )
  }

  mesh(): MeshRow | undefined {
    return plain<MeshRow>(this.#mesh.get())
  }

  slots(): readonly SlotRow[] {
    return this.#slots
      .all()
      .map((row) => ({ ...row, certificate: row.certificate ?? undefined }) as unknown as SlotRow)
  }

  services(): readonly ServiceRow[] {
    return all<ServiceRow>(this.#services)
  }

  instances(): readonly InstanceRow[] {
    return all<InstanceRow>(this.#instances)
  }

  currentCertificates(): readonly CertificateRow[] {
    return this.#currentCertificates.all().map(certificateOf)
  }

  certificate(serial: string): CertificateRow | undefined {
    const row = this.#certificate.get(serial)
    return row && certificateOf(row)
  }

  liveCertificates(after: number): readonly CertificateRow[] {
    return this.#liveCertificates.all(after).map(certificateOf)
  }

  trustStatements(): readonly TrustStatementRow[] {
    return all<TrustStatementRow>(this.#trustStatements)
  }

  bundle(): PublishedBundleRow | undefined {
    const row = this.#bundle.get()
    return row && ({ ...row, sections: JSON.parse(row.sections as string) } as unknown as PublishedBundleRow)
  }

  section(digest: string): Uint8Array | undefined {
    return this.#section.get(digest)?.bytes as Uint8Array | undefined
  }

  audit(after: number, limit: number): readonly AuditRow[] {
    return this.#audit
      .all(after, limit)
      .map((row) => ({ ...row, entry: JSON.parse(row.entry as string) }) as unknown as AuditRow)
  }
}

/** SQLite's rows have no prototype; ours are ordinary objects. */
function plain<T>(row: Row | undefined): T | undefined {
  return row && ({ ...row } as unknown as T)
}

function all<T>(statement: StatementSync): T[] {
  return statement.all().map((row) => ({ ...row }) as unknown as T)
}

function certificateOf(row: Row): CertificateRow {
  return {
    ...row,
    instance: row.instance ?? undefined,
    der: row.der ?? undefined,
  } as unknown as CertificateRow
}
