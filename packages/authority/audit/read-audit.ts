import type { Reader } from '../store/contract.ts'
import type { AuditRow, Deed } from '../store/rows.ts'

export interface AuditQuery {
  /** Entries of this time and later, milliseconds since the epoch. */
  readonly since?: number | undefined
  /** Entries about this service or an instance of it. */
  readonly service?: string | undefined
}

/** The entries that are asked for, oldest first. What is not asked for by its time is not even parsed. */
export function* readAudit(
  reader: Pick<Reader, 'auditRecords' | 'instances'>,
  { since = Number.NEGATIVE_INFINITY, service }: AuditQuery,
): Iterable<AuditRow> {
  const names = service === undefined ? undefined : namesOf(reader, service)
  for (const { number, at, actor, deed, entry: text } of reader.auditRecords(0)) {
    if (at < since) continue
    const entry = JSON.parse(text) as AuditRow['entry']
    if (names === undefined || names.has(entry.service) || names.has(entry.instance))
      yield { number, at, actor, deed: deed as Deed, entry }
  }
}

function namesOf(reader: Pick<Reader, 'instances'>, service: string): ReadonlySet<unknown> {
  const instances = reader.instances().filter((instance) => instance.service === service)
  return new Set([service, ...instances.map(({ id }) => id)])
}
