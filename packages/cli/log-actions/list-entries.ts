import { certificateOfEntry } from '@datapunk/pki'
import type { Context } from '../context.ts'
import type { LogEntryDocument } from '../documents/log.ts'
import { entriesSince, serviceOf } from '../logs/entries.ts'
import { type LogSource, openedIfAny } from '../logs/log-source.ts'
import { instantText, timeText } from '../text/time-text.ts'

export interface ListOptions {
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly service: string | undefined
}

/** One line, or one object, for each entry, the oldest first. @returns how many there are */
export async function listEntries(
  { output, json }: Context,
  sources: readonly LogSource[],
  { since, service }: ListOptions,
): Promise<number> {
  const documents: LogEntryDocument[] = []
  for (const source of sources) {
    const open = await openedIfAny(source)
    if (open === undefined) {
      if (!json) output.print(output.styled('quiet', `${source.log.origin}: 0 entries\n`))
      continue
    }
    const rows: string[][] = []
    for await (const entry of entriesSince(open, since)) {
      const certificate = certificateOfEntry(entry.entry)
      const name = serviceOf(certificate)
      if (service !== undefined && name !== service) continue
      const { leafIndex: index, timestamp } = entry
      const { serial, notAfter } = certificate
      const kind = entry.entry.type === 'precert_entry' ? 'precertificate' : 'certificate'
      const logged = { loggedAt: instantText(timestamp), service: name, kind, serial } as const
      documents.push({ log: source.log.origin, index, ...logged, notAfter: timeText(notAfter) })
      rows.push([String(index), timeText(timestamp), name, kind, `${serial} until ${timeText(notAfter)}`])
    }
    if (json) continue
    const { size, timestamp } = open.checkpoint
    output.print(
      output.styled('quiet', `${source.log.origin}: ${size} entries, signed ${timeText(timestamp)}\n`),
    )
    output.print(output.table(rows))
  }
  if (json) output.printJson(documents)
  return documents.length
}
