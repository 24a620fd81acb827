import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { RecordQuery, WindowRecord } from './record.ts'

const schema = `
  PRAGMA journal_mode = wal;
  CREATE TABLE IF NOT EXISTS record (
    id TEXT PRIMARY KEY, source TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    count INTEGER NOT NULL, min REAL NOT NULL, max REAL NOT NULL, sum REAL NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS record_by_start ON record (start);
  CREATE INDEX IF NOT EXISTS record_by_source ON record (source, start);
`

/** Records in a SQLite file. */
export class RecordStore {
  readonly #database: DatabaseSync

  /** @param file its folder is made where it is missing; `:memory:` keeps nothing */
  constructor(file: string) {
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true })
    this.#database = new DatabaseSync(file, { timeout: 1000 })
    this.#database.exec(schema)
  }

  /** Stores all of them or none. What is there already, by id, stays as it is. */
  add(records: readonly WindowRecord[]): void {
    const insert = this.#database.prepare(
      'INSERT INTO record VALUES (:id, :source, :start, :end, :count, :min, :max, :sum) ON CONFLICT DO NOTHING',
    )
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      for (const record of records) insert.run({ ...record })
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#database.exec('ROLLBACK')
      throw error
    }
  }

  /** The newest first. */
  find({ source, from, to, limit }: RecordQuery): WindowRecord[] {
    const bySource = source === undefined ? '' : 'source = :source AND'
    const select = this.#database.prepare(
      `SELECT * FROM record WHERE ${bySource} start >= :from AND start < :to ORDER BY start DESC, source LIMIT :limit`,
    )
    const rows = select.all({ from, to, limit, ...(source === undefined ? {} : { source }) })
    return rows.map((row) => ({ ...row }) as unknown as WindowRecord)
  }

  get size(): number {
    return Number(this.#database.prepare('SELECT count(*) AS size FROM record').get()?.size)
  }

  close(): void {
    this.#database.close()
  }
}
