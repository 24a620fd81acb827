import type { Transaction } from '../store/contract.ts'
import type { CompromisedKeyRow } from '../store/rows.ts'

interface NewCompromisedKey extends CompromisedKeyRow {
  readonly actor: string
}

/** Records that others have a key, with its audit entry; nothing happens where that was known. */
export function recordCompromisedKey(transaction: Transaction, { actor, ...row }: NewCompromisedKey): void {
  if (!transaction.addCompromisedKey(row)) return
  const { at, spkiHash } = row
  transaction.addAudit({ at, actor, deed: 'key-compromised', entry: { spkiHash } })
}
