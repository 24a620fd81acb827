import { backupText, isBackupCurrent } from '../text/backup-text.ts'
import { protectionText } from '../text/protection-text.ts'
import { type Examination, isRead } from './examination.ts'
import type { Finding } from './finding.ts'

const encrypt = 'take authority.store_ca_keys_in_clear out, and `mtls apply` encrypts them'
const keepElsewhere =
  'keep the passphrase elsewhere: authority.passphrase_file on other media, a systemd credential, or $MTLS_CA_PASSPHRASE'

/** Whether whoever reads the state folder has the keys of the CA. */
export function protectionFindings({ config, status }: Examination): Finding[] {
  if (!isRead(status) || status.meshId === undefined || !status.keysUnprotected) return []
  return [
    {
      id: 'keys-unprotected',
      severity: 'warning',
      subject: 'authority',
      found: `the keys of the CA are ${protectionText(config, true)}`,
      fix: config.authority.storeCaKeysInClear ? `${encrypt}; ${keepElsewhere}` : keepElsewhere,
    },
  ]
}

/** Whether the authority could be made again. */
export function backupFindings({ status }: Examination): Finding[] {
  if (!isRead(status) || status.meshId === undefined || isBackupCurrent(status)) return []
  const id = status.backedUpAt === undefined ? 'backup-missing' : 'backup-outdated'
  const found = `the last backup: ${backupText(status)}`
  return [
    {
      id,
      severity: 'warning',
      subject: 'authority',
      found,
      fix: '`mtls backup FILE`, to another machine, every day',
    },
  ]
}
