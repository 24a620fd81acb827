import { leafHash, readCheckpoint, readEntries, TILE_LEAVES } from '@datapunk/log'
import { readMeshDocuments } from '@datapunk/mesh'
import { merkleTreeLeaf, parseCertificate, readableCertificate, type TileLeaf } from '@datapunk/pki'
import type { Config, SignedTrustStatement } from '@datapunk/protocol'
import type { ConsoleLog, ConsoleProof } from '@datapunk/protocol/console'
import { CHECKPOINT_PATH } from '@datapunk/tlog'
import { entryOfSerial, serviceOf } from '../logs/entries.ts'
import { type LogSource, logSources, openedIfAny } from '../logs/log-source.ts'
import { promisedFor, prove } from '../logs/logged-certificate.ts'

/** Entries of one page. */
const SHOWN = 50

/** Entries of the newest log, the newest first; undefined where there is none yet. */
export async function logPage(config: Config, before: number | undefined): Promise<ConsoleLog | undefined> {
  const source = (await sourcesOf(config)).at(-1)
  const checkpoint = source && (await readCheckpoint(source.read, source.log))
  if (source === undefined || checkpoint === undefined) return undefined
  const end = Math.min(before ?? checkpoint.size, checkpoint.size)
  const first = Math.max(0, end - SHOWN)
  const entries: ConsoleLog['entries'][number][] = []
  for (let tile = Math.floor(first / TILE_LEAVES); tile * TILE_LEAVES < end; tile++) {
    for (const entry of await readEntries(source.read, checkpoint, tile)) {
      if (entry.leafIndex >= first && entry.leafIndex < end) entries.unshift(entryOf(entry))
    }
  }
  const { size, root, timestamp } = checkpoint
  return { origin: source.log.origin, size, root: base64(root), signedAt: timestamp, entries }
}

function entryOf({ leafIndex, timestamp, entry }: TileLeaf): ConsoleLog['entries'][number] {
  const certificate = readableCertificate(entry)
  return {
    index: leafIndex,
    loggedAt: timestamp,
    serial: certificate?.serial ?? '',
    name: certificate === undefined ? 'can’t be read' : serviceOf(certificate),
    notAfter: certificate?.notAfter ?? 0,
  }
}

/**
 * That a certificate is in its log, for a browser to check.
 *
 * @param der where the certificate is on record
 * @param now milliseconds since the epoch
 */
export async function logProof(
  config: Config,
  serial: string,
  { der, now }: { readonly der: Uint8Array | undefined; readonly now: number },
): Promise<ConsoleProof | undefined> {
  const sources = await sourcesOf(config)
  const found = await placeOf(config, sources, serial, { der, now })
  if (found === undefined) return undefined
  const { entry, proof, source } = await prove(found, found.source)
  const { timestamp, leafIndex } = entry
  return {
    index: leafIndex,
    serial,
    origin: source.log.origin,
    key: base64(source.log.spki),
    checkpoint: Buffer.from((await source.read(CHECKPOINT_PATH)) ?? []).toString('utf8'),
    leaf: base64(merkleTreeLeaf({ timestamp, entry: entry.entry, leafIndex })),
    proof: proof.map(base64),
  }
}

/** By its SCT, which says where; else by a look through all there is, the newest first. */
async function placeOf(
  config: Config,
  sources: readonly LogSource[],
  serial: string,
  { der, now }: { readonly der: Uint8Array | undefined; readonly now: number },
) {
  const promised = der && promisedFor(parseCertificate(der), trustOf(config), now)
  const holder = sources.find(({ id }) => id === promised?.sct.log)
  if (promised !== undefined && holder !== undefined) return { ...promised, source: holder }
  for (const source of sources.toReversed()) {
    const open = await openedIfAny(source)
    const entry = open && (await entryOfSerial(open, serial))
    if (entry !== undefined) return { leafIndex: entry.leafIndex, leafHash: leafHash(entry), source }
  }
  return undefined
}

/** None where the mesh has no log. */
async function sourcesOf(config: Config): Promise<readonly LogSource[]> {
  const trust = trustOf(config)
  return trust.logs.length === 0 ? [] : logSources(config, trust)
}

/** The authority’s own page shows what it has signed, also where its clock was ahead then and peers refuse it. */
function trustOf(config: Config): SignedTrustStatement {
  return readMeshDocuments(config, { latest: Infinity }).trust
}

function base64(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64')
}
