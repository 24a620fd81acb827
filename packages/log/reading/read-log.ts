import { hash } from 'node:crypto'
import { merkleTreeLeaf, parseCertificate, type TileLeaf, withoutPoison } from '@datapunk/pki'
import { readLogEntries } from '@datapunk/protocol'
import {
  CHECKPOINT_PATH,
  dataTilePath,
  hashLeaf,
  openCheckpoint,
  type SignedCheckpoint,
} from '@datapunk/tlog'
import { LogError } from '../log-error.ts'

/** Brings an object that a log shows to everybody, by its path; undefined where there is none. */
export type ReadObject = (path: string) => Promise<Uint8Array | undefined>

/** Which log is meant. */
export interface LogIdentity {
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** Its name in checkpoints. */
  readonly origin: string
}

/**
 * What a log says of itself now; undefined while it is empty.
 *
 * @throws TlogError `CHECKPOINT_INVALID`, `NOTE_INVALID`, `NOTE_SIGNATURE_INVALID`
 */
export async function readCheckpoint(
  read: ReadObject,
  log: LogIdentity,
): Promise<SignedCheckpoint | undefined> {
  const signed = await read(CHECKPOINT_PATH)
  return signed && openCheckpoint(signed, log)
}

/**
 * The entries of one data tile, proven against the checkpoint.
 *
 * @param index of the tile: the first entry has 256 times this number
 * @throws LogError `LOG_WRONG`, and what `readLogEntries` throws
 * @throws PkiError as `parseCertificate`
 */
export async function readEntries(
  read: ReadObject,
  checkpoint: SignedCheckpoint,
  index: number,
): Promise<readonly TileLeaf[]> {
  const entries = await readLogEntries((path) => readObject(read, path), checkpoint, index)
  for (const entry of entries) checkPrecertificate(entry, dataTilePath(index, entries.length))
  return entries
}

/**
 * The tree holds what a precertificate and its final certificate have in common. The precertificate lies beside it, and counts for
 * nothing unless it says the same.
 *
 * @param path of the data tile
 * @throws LogError `LOG_WRONG`
 */
export function checkPrecertificate({ entry, precertificate, leafIndex }: TileLeaf, path: string): void {
  if (entry.type === 'x509_entry' || precertificate === undefined) return
  if (Buffer.compare(withoutPoison(parseCertificate(precertificate).tbs), entry.tbs) !== 0)
    throw wrong(path, `the precertificate beside entry ${leafIndex} is another`)
}

/** Of a data tile. */
export const TILE_LEAVES = 256

export function leafHash(entry: TileLeaf): Uint8Array {
  return hashLeaf(merkleTreeLeaf(entry))
}

/** @throws LogError `LOG_WRONG` there is none */
export async function readObject(read: ReadObject, path: string): Promise<Uint8Array> {
  const octets = await read(path)
  if (octets === undefined) throw wrong(path, 'it is missing')
  return octets
}

/** Where a certificate that issued others is to be found, by the SHA-256 of its DER. */
export function issuerPath(fingerprint: Uint8Array): string {
  return `issuer/${Buffer.from(fingerprint).toString('hex')}`
}

/** @throws LogError `LOG_WRONG` it is missing, or another certificate */
export async function readIssuer(read: ReadObject, fingerprint: Uint8Array): Promise<Uint8Array> {
  const path = issuerPath(fingerprint)
  const der = await readObject(read, path)
  if (Buffer.compare(hash('sha256', der, 'buffer'), fingerprint) !== 0)
    throw wrong(path, 'it is another certificate')
  return der
}

/** It is no evidence against the log, and no news of it. */
export function outdated(before: SignedCheckpoint, next: SignedCheckpoint): LogError {
  return new LogError(
    'LOG_UNREADABLE',
    `found a checkpoint of ${next.size} entries of the log ${next.origin}, older than that of ${before.size} which it has shown before: look again; where it stays, a cache or somebody on the way shows what was, or the log was put back`,
  )
}

export function wrong(path: string, why: string): LogError {
  return new LogError('LOG_WRONG', `${path} of the log is not as its checkpoint says: ${why}`, {
    data: { path },
  })
}
