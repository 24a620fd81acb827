import { LogError, leafHash } from '@datapunk/log'
import {
  type Certificate,
  type GoodSct,
  merkleTreeLeaf,
  precertEntry,
  sha256,
  type TileLeaf,
  verifyScts,
  withoutSctList,
} from '@datapunk/pki'
import type { TrustStatement } from '@datapunk/protocol'
import { hashLeaf, inclusionProof, tilePath, verifyInclusion } from '@datapunk/tlog'
import { entryAt } from './entries.ts'
import { type LogSource, type OpenSource, opened } from './log-source.ts'

/** An SCT that holds, and the hash of the entry that it promises. */
export interface Promised {
  readonly sct: GoodSct
  readonly leafIndex: number
  readonly leafHash: Uint8Array
}

/**
 * What a log of the mesh has promised of a certificate; undefined where none has.
 *
 * @param latest milliseconds since the epoch
 */
export function promisedFor(
  certificate: Certificate,
  trust: TrustStatement,
  latest: number,
): Promised | undefined {
  const logs = new Map(trust.logs.map(({ spki }) => [Buffer.from(sha256(spki)).toString('hex'), spki]))
  for (const { subject, spki } of [...trust.issuingCas, ...trust.roots]) {
    if (!subject.equals(certificate.issuer)) continue
    const { good } = verifyScts(certificate, { issuerSpki: spki, logs, latest })
    const sct = good.find(({ leafIndex }) => leafIndex !== undefined)
    if (sct?.leafIndex === undefined) continue
    const { timestamp, leafIndex } = sct
    const entry = precertEntry({ tbs: withoutSctList(certificate.tbs), issuerKeyHash: sha256(spki) })
    return { sct, leafIndex, leafHash: hashLeaf(merkleTreeLeaf({ timestamp, entry, leafIndex })) }
  }
  return undefined
}

export interface Proven {
  readonly source: OpenSource
  readonly entry: TileLeaf
  readonly leafHash: Uint8Array
  /** From the leaf up. */
  readonly proof: readonly Uint8Array[]
}

/**
 * Finds the entry that an SCT promises, and proves it to be in the log, from what the log shows and nothing else.
 *
 * @throws LogError `LOG_WRONG` it is not there; TlogError about tiles
 */
export async function prove(promised: Omit<Promised, 'sct'>, source: LogSource): Promise<Proven> {
  const open = await opened(source)
  const { checkpoint, log } = open
  if (promised.leafIndex >= checkpoint.size)
    throw new LogError(
      'LOG_WRONG',
      `the log ${log.origin} has promised entry ${promised.leafIndex}, and has ${checkpoint.size}`,
    )
  const entry = await entryAt(open, promised.leafIndex)
  if (Buffer.compare(leafHash(entry), promised.leafHash) !== 0)
    throw new LogError(
      'LOG_WRONG',
      `entry ${promised.leafIndex} of the log ${log.origin} is of another certificate`,
    )
  return { source: open, entry, leafHash: promised.leafHash, proof: await proofOf(open, promised) }
}

async function proofOf(
  { read, checkpoint }: OpenSource,
  { leafIndex, leafHash }: Omit<Promised, 'sct'>,
): Promise<readonly Uint8Array[]> {
  const proof = await inclusionProof(
    leafIndex,
    checkpoint.size,
    async (tile) => (await read(tilePath(tile))) ?? new Uint8Array(),
  )
  verifyInclusion({ ...checkpoint, leafHash, index: leafIndex, proof })
  return proof
}
