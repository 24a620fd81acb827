import type { DatabaseSync } from 'node:sqlite'
import { AuthorityError } from '../error.ts'
import { hashAudit } from './hash-audit.ts'

/** `PRAGMA application_id` of an inventory: "DPca" in ASCII. */
export const applicationId = 0x44506361

/** SQL, or what SQL alone can't do. */
export type SchemaStep = string | ((database: DatabaseSync) => void)

/** The schema, as the steps that made it; the version of an inventory is how many of them it has taken. */
export const migrations: readonly SchemaStep[] = [
  `
  CREATE TABLE mesh (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    mesh_id TEXT NOT NULL, trust_domain TEXT NOT NULL, environment TEXT NOT NULL,
    generation INTEGER NOT NULL, created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE slot (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, algorithm TEXT NOT NULL,
    spki_hash TEXT NOT NULL, spki BLOB NOT NULL, certificate BLOB, since INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE service (
    service TEXT PRIMARY KEY, spiffe_id TEXT NOT NULL, state TEXT NOT NULL, settings TEXT NOT NULL,
    since INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE instance (
    id TEXT PRIMARY KEY, service TEXT NOT NULL REFERENCES service, place TEXT NOT NULL, since INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- A row id besides the serial: serials are random, and rows in the order of their making share pages.
  CREATE TABLE certificate (
    number INTEGER PRIMARY KEY, serial TEXT NOT NULL UNIQUE, profile TEXT NOT NULL,
    slot TEXT NOT NULL REFERENCES slot, spki_hash TEXT NOT NULL, instance TEXT REFERENCES instance,
    not_before INTEGER NOT NULL, not_after INTEGER NOT NULL, tbs_hash TEXT NOT NULL, request TEXT NOT NULL,
    intended_at INTEGER NOT NULL, state TEXT NOT NULL, der BLOB, CHECK ((state = 'issued') = (der IS NOT NULL))
  ) STRICT;
  CREATE INDEX certificate_live ON certificate (not_after) WHERE state = 'issued';
  CREATE TRIGGER certificate_stays BEFORE DELETE ON certificate
    BEGIN SELECT RAISE(ABORT, 'a serial that was used stays known'); END;
  CREATE TRIGGER certificate_keeps BEFORE UPDATE OF
    number, serial, profile, slot, spki_hash, instance, not_before, not_after, tbs_hash, request,
    intended_at ON certificate
    BEGIN SELECT RAISE(ABORT, 'what was intended is never changed'); END;

  CREATE TABLE current_certificate (
    instance TEXT PRIMARY KEY REFERENCES instance, certificate INTEGER NOT NULL REFERENCES certificate
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE trust_statement (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;

  CREATE TABLE bundle (
    generation INTEGER NOT NULL, counter INTEGER NOT NULL, head BLOB NOT NULL,
    issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    PRIMARY KEY (generation, counter)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE section (digest TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT;

  CREATE TABLE bundle_section (
    generation INTEGER NOT NULL, counter INTEGER NOT NULL, digest TEXT NOT NULL REFERENCES section,
    PRIMARY KEY (generation, counter, digest), FOREIGN KEY (generation, counter) REFERENCES bundle
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX bundle_section_digest ON bundle_section (digest);

  CREATE TABLE audit (
    number INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, deed TEXT NOT NULL, entry TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END;
  CREATE TRIGGER audit_stays BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'audit entries are never removed'); END;
  `,
  `
  ALTER TABLE trust_statement RENAME TO trust_statement_before;
  CREATE TABLE trust_statement (
    generation INTEGER NOT NULL, counter INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (generation, counter)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO trust_statement SELECT 1, number, bytes FROM trust_statement_before;
  DROP TABLE trust_statement_before;

  ALTER TABLE mesh ADD COLUMN halted TEXT;
  ALTER TABLE mesh ADD COLUMN backed_up_at INTEGER;
  ALTER TABLE slot ADD COLUMN left_out TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE instance ADD COLUMN held INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE acknowledgement (
    instance TEXT PRIMARY KEY REFERENCES instance, generation INTEGER NOT NULL, counter INTEGER NOT NULL,
    trust_generation INTEGER NOT NULL, trust_counter INTEGER NOT NULL, serial TEXT NOT NULL, at INTEGER NOT NULL,
    document BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE delivery (
    instance TEXT PRIMARY KEY REFERENCES instance, digest TEXT NOT NULL, at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE attempt (
    kind TEXT NOT NULL, subject TEXT NOT NULL, attempts INTEGER NOT NULL, next_try_at INTEGER NOT NULL,
    error TEXT NOT NULL, PRIMARY KEY (kind, subject)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE service ADD COLUMN barred_at INTEGER;

  CREATE TABLE revocation (
    certificate INTEGER PRIMARY KEY REFERENCES certificate, slot TEXT NOT NULL REFERENCES slot,
    reason TEXT NOT NULL, at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX revocation_slot ON revocation (slot);
  CREATE TRIGGER revocation_stays BEFORE DELETE ON revocation
    BEGIN SELECT RAISE(ABORT, 'what was revoked stays revoked'); END;
  CREATE TRIGGER revocation_keeps BEFORE UPDATE ON revocation
    BEGIN SELECT RAISE(ABORT, 'a revocation is never changed'); END;

  CREATE TABLE list (
    slot TEXT NOT NULL REFERENCES slot, scope TEXT NOT NULL, number INTEGER NOT NULL, this_update INTEGER NOT NULL,
    next_update INTEGER NOT NULL, revocations INTEGER NOT NULL, der BLOB NOT NULL, PRIMARY KEY (slot, scope)
  ) STRICT;
  `,
  `
  -- Numbered in the order of their recording, so that what is new is found without a look at the rest.
  DROP INDEX revocation_slot;
  DROP TRIGGER revocation_stays;
  DROP TRIGGER revocation_keeps;
  ALTER TABLE revocation RENAME TO revocation_before;
  CREATE TABLE revocation (
    number INTEGER PRIMARY KEY, certificate INTEGER NOT NULL REFERENCES certificate, slot TEXT NOT NULL REFERENCES slot,
    reason TEXT NOT NULL, at INTEGER NOT NULL
  ) STRICT;
  INSERT INTO revocation (certificate, slot, reason, at)
    SELECT certificate, slot, reason, at FROM revocation_before ORDER BY at, certificate;
  DROP TABLE revocation_before;
  CREATE INDEX revocation_slot ON revocation (slot);
  CREATE TRIGGER revocation_stays BEFORE DELETE ON revocation
    BEGIN SELECT RAISE(ABORT, 'what was revoked stays revoked'); END;
  CREATE TRIGGER revocation_keeps BEFORE UPDATE ON revocation
    BEGIN SELECT RAISE(ABORT, 'a revocation is never changed'); END;

  -- Beside its certificate too, so that whoever looks for living ones passes over a million that are revoked.
  ALTER TABLE certificate ADD COLUMN revocation INTEGER REFERENCES revocation;
  UPDATE certificate SET revocation = before.number FROM revocation AS before
    WHERE before.certificate = certificate.number;
  CREATE TRIGGER certificate_stays_revoked BEFORE UPDATE OF revocation ON certificate
    WHEN old.revocation IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'what was revoked stays revoked'); END;
  DROP INDEX certificate_live;
  CREATE INDEX certificate_live ON certificate (not_after) WHERE state = 'issued' AND revocation IS NULL;
  CREATE INDEX certificate_revocable ON certificate (instance, not_after)
    WHERE state <> 'abandoned' AND revocation IS NULL;

  -- The octets last: they are many, and whoever reads the rest of a row doesn't go through them.
  ALTER TABLE list RENAME TO list_before;
  CREATE TABLE list (
    slot TEXT NOT NULL REFERENCES slot, scope TEXT NOT NULL, number INTEGER NOT NULL, this_update INTEGER NOT NULL,
    next_update INTEGER NOT NULL, revocations INTEGER NOT NULL, base_number INTEGER, base_next_update INTEGER,
    base_revocations INTEGER, der BLOB NOT NULL, PRIMARY KEY (slot, scope)
  ) STRICT;
  INSERT INTO list SELECT slot, scope, number, this_update, next_update, 0, NULL, NULL, NULL, der FROM list_before;
  DROP TABLE list_before;
  `,
  `
  ALTER TABLE mesh ADD COLUMN scts TEXT;
  ALTER TABLE slot ADD COLUMN origin TEXT;
  ALTER TABLE slot ADD COLUMN monitored INTEGER;
  ALTER TABLE certificate ADD COLUMN log TEXT REFERENCES slot;

  CREATE TABLE next_key (
    instance TEXT PRIMARY KEY REFERENCES instance, spki_hash TEXT NOT NULL, algorithm TEXT NOT NULL,
    key_size INTEGER, generation INTEGER, counter INTEGER, announced_at INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE pinning (
    one INTEGER PRIMARY KEY CHECK (one = 1), wanted TEXT NOT NULL, mode TEXT NOT NULL, generation INTEGER,
    counter INTEGER, since INTEGER, suspended_until INTEGER
  ) STRICT;
  `,
  hashAudit,
  `
  -- There may be millions of leaves, and few others.
  CREATE INDEX certificate_of_others ON certificate (profile) WHERE profile <> 'leaf';

  ALTER TABLE slot ADD COLUMN told_in TEXT;
  `,
  `
  -- A serial instead of yes or no: whatever takes its place is held no more.
  ALTER TABLE instance RENAME COLUMN held TO was_held;
  ALTER TABLE instance ADD COLUMN held TEXT;
  UPDATE instance SET held = serial FROM current_certificate JOIN certificate ON number = certificate
    WHERE was_held AND current_certificate.instance = instance.id;
  ALTER TABLE instance DROP COLUMN was_held;

  CREATE INDEX certificate_of_revoked_key ON certificate (spki_hash) WHERE revocation IS NOT NULL;

  ALTER TABLE mesh ADD COLUMN bundle_terms TEXT;
  UPDATE mesh SET bundle_terms = (
    SELECT json_group_array(json_object('memory', life, 'until', ends) ORDER BY life DESC)
    FROM (SELECT expires_at - issued_at AS life, max(expires_at) AS ends FROM bundle GROUP BY life)
  );

  ALTER TABLE mesh ADD COLUMN settings TEXT;
  `,
  `
  ALTER TABLE attempt ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE acknowledgement ADD COLUMN left_at INTEGER;

  -- An intent may have been signed, so none was ever abandoned.
  DROP INDEX certificate_revocable;
  CREATE INDEX certificate_revocable ON certificate (instance, not_after) WHERE revocation IS NULL;
  `,
  `
  -- Beside the revocations: a certificate may have been revoked for another reason before anybody knew of its key.
  CREATE TABLE compromised_key (spki_hash TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO compromised_key SELECT spki_hash, min(at) FROM certificate
    JOIN revocation ON revocation.number = certificate.revocation WHERE reason = 'key-compromise' GROUP BY spki_hash;
  CREATE TRIGGER compromised_key_stays BEFORE DELETE ON compromised_key
    BEGIN SELECT RAISE(ABORT, 'a key that others have is never certified again'); END;
  CREATE TRIGGER compromised_key_keeps BEFORE UPDATE ON compromised_key
    BEGIN SELECT RAISE(ABORT, 'a key that others have is never certified again'); END;

  DROP INDEX certificate_of_revoked_key;
  CREATE INDEX certificate_revoked ON certificate (instance, not_after) WHERE revocation IS NOT NULL;
  `,
]

/** Whether nothing was ever written into it: an empty file, or one that SQLite has only begun. */
export function isEmpty(database: DatabaseSync): boolean {
  return ['user_version', 'application_id', 'schema_version'].every((name) => pragma(database, name) === 0)
}

/** @returns the version of the inventory: 0 when it is empty
 *  @throws AuthorityError `SCHEMA_TOO_NEW`, or `STORE_FAILED` when the file is the database of another program */
export function schemaVersion(database: DatabaseSync, file: string, newest: number): number {
  if (isEmpty(database)) return 0
  const version = pragma(database, 'user_version')
  const owner = pragma(database, 'application_id')
  if (owner !== applicationId) {
    throw new AuthorityError('STORE_FAILED', `${file} is the database of another program; move it away`, {
      data: { file, applicationId: owner },
    })
  }
  if (version > newest) {
    throw new AuthorityError(
      'SCHEMA_TOO_NEW',
      `${file} has schema ${version}, and this mtls knows schemas up to ${newest}. Run the newer mtls that wrote it, ` +
        'or `mtls restore FILE --replace` with a backup that this version made',
      { data: { file, found: version, allowed: newest } },
    )
  }
  return version
}

/** Takes the steps that are missing, all of them in one transaction. */
export function migrate(database: DatabaseSync, from: number, steps: readonly SchemaStep[]): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    for (const step of steps.slice(from)) {
      if (typeof step === 'string') database.exec(step)
      else step(database)
    }
    database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${steps.length}`)
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/** Where the inventory as it was at `version` is kept when newer code migrates it. */
export function backupOf(file: string, version: number): string {
  return `${file}.schema-${version}`
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0])
}
