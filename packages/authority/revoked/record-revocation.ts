import { operatorOf } from '../services/service-record.ts'
import type { Transaction } from '../store/contract.ts'
import type { CertificateRow, CompromisedKeyRow, RevocationRow } from '../store/rows.ts'

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

interface NewCompromisedKey extends CompromisedKeyRow {
  readonly actor: string
}

/** Records that others have a key, with its audit entry; nothing happens where that was known. */
export function recordCompromisedKey(transaction: Transaction, { actor, ...row }: NewCompromisedKey): void {
  if (!transaction.addCompromisedKey(row)) return
  const { at, spkiHash } = row
  transaction.addAudit({ at, actor, deed: 'key-compromised', entry: { spkiHash } })
}
