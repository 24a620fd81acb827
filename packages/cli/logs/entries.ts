import { printableLine } from '@datapunk/authority'
import { readEntries, TILE_LEAVES } from '@datapunk/log'
import {
  type Certificate,
  parseCertificate,
  readableCertificate,
  type TbsCertificate,
  type TileLeaf,
} from '@datapunk/pki'
import { isSerial } from '../text/serial-text.ts'
import type { OpenSource } from './log-source.ts'

/** What was submitted for an entry. */
export function certificateOf({ entry, precertificate }: TileLeaf): Certificate {
  return parseCertificate(entry.type === 'x509_entry' ? entry.certificate : (precertificate as Uint8Array))
}

/** The service that a certificate speaks for, by its SPIFFE ID; `operator/alice` for an operator; else what it calls itself. */
export function serviceOf({ extensions, subject }: TbsCertificate): string {
  const uri = extensions.subjectAltName?.uris[0]
  return uri?.split('/').slice(3).join('/') ?? printableLine(subject.commonName ?? subject.toString())
}

/**
 * All entries of a log, in order, each proven against the checkpoint.
 *
 * @param since those that were logged before are left out; milliseconds since the epoch
 */
export async function* entriesSince(source: OpenSource, since: number): AsyncGenerator<TileLeaf> {
  const { read, checkpoint } = source
  for (let tile = await firstTileSince(source, since); tile < tilesIn(source); tile++)
    for (const entry of await readEntries(read, checkpoint, tile)) if (entry.timestamp >= since) yield entry
}

/** The newest entry of a certificate with this serial, as `serialIn` reads it; undefined where there is none. */
export async function entryOfSerial(source: OpenSource, serial: string): Promise<TileLeaf | undefined> {
  const { read, checkpoint } = source
  for (let tile = tilesIn(source) - 1; tile >= 0; tile--) {
    const entries = await readEntries(read, checkpoint, tile)
    const found = entries.findLast((entry) =>
      isSerial(readableCertificate(entry.entry)?.serial ?? '', serial),
    )
    if (found !== undefined) return found
  }
  return undefined
}

/** @param index under the checkpoint's size */
export async function entryAt({ read, checkpoint }: OpenSource, index: number): Promise<TileLeaf> {
  const entries = await readEntries(read, checkpoint, Math.floor(index / TILE_LEAVES))
  return entries[index % TILE_LEAVES] as TileLeaf
}

function tilesIn({ checkpoint }: OpenSource): number {
  return Math.ceil(checkpoint.size / TILE_LEAVES)
}

/** A log's time never goes back, so that half of the tiles are passed over at each look. */
async function firstTileSince(source: OpenSource, since: number): Promise<number> {
  let [first, end] = [0, since > 0 ? tilesIn(source) : 0]
  while (first < end) {
    const middle = Math.floor((first + end) / 2)
    const last = (await readEntries(source.read, source.checkpoint, middle)).at(-1)
    if (last !== undefined && last.timestamp >= since) end = middle
    else first = middle + 1
  }
  return first
}
