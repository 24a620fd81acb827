import type { DatabaseSync } from 'node:sqlite'
import { CompactTree } from '@datapunk/tlog'
import { type AuditRecord, auditLeaf } from './audit-leaf.ts'

/**
 * The step of the schema that makes a tree of the audit: entries that are there already are numbered and hashed in the order
 * in which they were written.
 */
export function hashAudit(database: DatabaseSync): void {
  database.exec(`
    DROP TRIGGER audit_keeps;
    DROP TRIGGER audit_stays;
    ALTER TABLE audit RENAME TO audit_before;
    CREATE TABLE audit (
      number INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, deed TEXT NOT NULL, entry TEXT NOT NULL,
      leaf BLOB NOT NULL
    ) STRICT;
    CREATE TABLE audit_edge (one INTEGER PRIMARY KEY CHECK (one = 1), edge BLOB NOT NULL) STRICT;
    CREATE TABLE audit_checkpoint (
      generation INTEGER NOT NULL, counter INTEGER NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL,
      PRIMARY KEY (generation, counter), FOREIGN KEY (generation, counter) REFERENCES bundle
    ) STRICT, WITHOUT ROWID;
  `)
  const tree = copyAudit(database)
  database.prepare('INSERT INTO audit_edge VALUES (1, ?)').run(tree.encode())
  database.exec(`
    DROP TABLE audit_before;
    CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit
      BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END;
    CREATE TRIGGER audit_stays BEFORE DELETE ON audit
      BEGIN SELECT RAISE(ABORT, 'audit entries are never removed'); END;
    CREATE TRIGGER audit_checkpoint_keeps BEFORE UPDATE ON audit_checkpoint
      BEGIN SELECT RAISE(ABORT, 'what the audit was is never changed'); END;
    CREATE TRIGGER audit_checkpoint_stays BEFORE DELETE ON audit_checkpoint
      BEGIN SELECT RAISE(ABORT, 'what the audit was stays known'); END;
  `)
}

function copyAudit(database: DatabaseSync): CompactTree {
  const tree = new CompactTree()
  const insert = database.prepare('INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?)')
  const rows = database.prepare('SELECT at, actor, deed, entry FROM audit_before ORDER BY number').iterate()
  for (const row of rows as Iterable<unknown> as Iterable<Omit<AuditRecord, 'number'>>) {
    const number = tree.size + 1
    const leaf = auditLeaf({ ...row, number })
    tree.append(leaf)
    insert.run(number, row.at, row.actor, row.deed, row.entry, leaf)
  }
  return tree
}
