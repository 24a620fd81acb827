import type { AuditRow } from '@datapunk/authority'
import { detailText } from './event-text.ts'
import { labelText } from './label-text.ts'

/** What a setting was before, where it was anything; `--json` has it whole. */
export function auditEntryText({ changes, ...entry }: AuditRow['entry']): string {
  const changed = Object.entries((changes ?? {}) as Record<string, { from?: unknown; to?: unknown }>)
  const words = changed.flatMap(([field, { from, to }]) =>
    from === undefined ? [] : [`${labelText(field)} ${JSON.stringify(from)} → ${JSON.stringify(to)}`],
  )
  return [detailText(entry), ...words].filter((text) => text !== '').join(', ')
}
