import type { Status } from '@datapunk/authority'
import { timeText } from './time-text.ts'

type BackupStatus = Pick<Status, 'backedUpAt' | 'keysSinceBackup'>

/** Whether a restore would have every key that is in use. */
export function isBackupCurrent({ backedUpAt, keysSinceBackup }: BackupStatus): boolean {
  return backedUpAt !== undefined && keysSinceBackup.length === 0
}

/** How well this authority could be made again, in words. */
export function backupText({ backedUpAt, keysSinceBackup }: BackupStatus): string {
  if (backedUpAt === undefined) return 'NONE: `mtls backup FILE` makes one'
  const of = `of ${timeText(backedUpAt)}`
  if (keysSinceBackup.length === 0) return of
  return `OUTDATED: ${of}, without ${keysSinceBackup.join(' and ')}; \`mtls backup FILE\` makes another`
}
