import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'
import { refusal } from './refusal.ts'
import { isSqliteError } from './sqlite-failure.ts'

export type Row = Record<string, SQLOutputValue>

/**
 * A statement that reads. A file that was damaged inside is not found to be so when it is opened, but by whoever reads that
 * part of it.
 */
export class ReadStatement {
  readonly #statement: StatementSync

  constructor(database: DatabaseSync, sql: string) {
    this.#statement = database.prepare(sql)
  }

  /** @throws AuthorityError `STORE_FAILED`, as do the next two */
  get(...values: SQLInputValue[]): Row | undefined {
    try {
      return this.#statement.get(...values)
    } catch (error) {
      throw told(error)
    }
  }

  all(...values: SQLInputValue[]): Row[] {
    try {
      return this.#statement.all(...values)
    } catch (error) {
      throw told(error)
    }
  }

  *iterate(...values: SQLInputValue[]): Iterable<Row> {
    try {
      yield* this.#statement.iterate(...values)
    } catch (error) {
      throw told(error)
    }
  }
}

function told(error: unknown): unknown {
  return isSqliteError(error) ? refusal.unread(error) : error
}
