import type { KeyObject } from 'node:crypto'
import { type KeyAlgorithm, keyAlgorithmOf, sha256, spkiOf } from '@datapunk/pki'
import type { SlotKind } from '../store/rows.ts'

/** Where a key lives, and what it is for. */
export interface KeySlot {
  readonly id: string
  readonly kind: SlotKind
}

/** A key that the inventory knows. */
export interface KnownKey extends KeySlot {
  /** SHA-256 of the DER SubjectPublicKeyInfo, lowercase hex. */
  readonly spkiHash: string
}

export interface StoredKey {
  readonly algorithm: KeyAlgorithm
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  readonly spkiHash: string
}

/** @throws PkiError `KEY_UNSUPPORTED`, `KEY_WEAK` */
export function describe(key: KeyObject): StoredKey {
  const spki = spkiOf(key)
  const { algorithm } = keyAlgorithmOf(spki)
  return { algorithm, spki, spkiHash: Buffer.from(sha256(spki)).toString('hex') }
}
