import { operatorOf } from '../services/service-record.ts'
import type { Transaction } from '../store/contract.ts'
import type { CertificateRow, RevocationRow } from '../store/rows.ts'

interface NewRevocation extends Omit<RevocationRow, 'serial'> {
  readonly row: CertificateRow
  readonly actor: string
}

/** Revokes a certificate, with its audit entry; nothing happens where it was revoked before. */
export function recordRevocation(transaction: Transaction, { row, reason, at, actor }: NewRevocation): void {
  const { serial, profile, instance } = row
  if (!transaction.revoke({ serial, reason, at })) return
  const entry = { serial, profile, instance, operator: operatorOf(row), reason }
  transaction.addAudit({ at, actor, deed: 'revoked', entry })
}
