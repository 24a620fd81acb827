import { hash } from 'node:crypto'
import { join } from 'node:path'
import { readableCertificate, type TileLeaf } from '@datapunk/pki'
import {
  keyIdOf,
  logFolderId,
  openBundle,
  type RevokedSet,
  readLogEntries,
  readTrustStatement,
  type TrustedLog,
  type TrustStatement,
  tilesOfEntries,
} from '@datapunk/protocol'
import { CHECKPOINT_PATH, openCheckpoint } from '@datapunk/tlog'
import type { Engine } from '../engine.ts'
import type { Transaction } from '../store/contract.ts'
import type { IntentRow } from '../store/rows.ts'
import type { PublishedAhead } from './published-ahead.ts'

/** What peers were told to refuse since, and the inventory, being older, does not know to be revoked. */
export interface RevokedAhead {
  /** Serials of certificates that are on record. */
  readonly onRecord: readonly string[]
  /** Of those that were issued since, what the log shows. */
  readonly logged: readonly LoggedSince[]
}

type LoggedSince = Omit<IntentRow, 'slot' | 'instance'> & {
  /** SHA-256 of the issuer's DER SubjectPublicKeyInfo, lowercase hex. */
  readonly issuer: string
}

type Looking = Pick<Engine, 'store' | 'disk' | 'layout' | 'clock'>

/** As peers take them: 8 octets for each of some million, and 256 entries of 64 kB. */
const MAX_BYTES = 64 * 1024 * 1024

/**
 * Looks at the published bundle for what was revoked since the inventory was what it is. The bundle has the beginnings of serials;
 * the whole ones, and until when they matter, are on record or in the log. Where neither is left, nothing can be learned.
 *
 * @param statements that follow the newest on record
 */
export async function revokedAhead(
  looking: Looking,
  { statements }: Pick<PublishedAhead, 'statements'>,
): Promise<RevokedAhead> {
  const newest = looking.store.trustStatements().at(-1)
  const trust = statements.at(-1) ?? (newest && readTrustStatement(newest.bytes))
  const revoked = trust && publishedRevoked(looking, trust)
  if (trust === undefined || revoked === undefined || revoked.size === 0) return { onRecord: [], logged: [] }
  const { store, clock } = looking
  const onRecord = store
    .instances()
    .flatMap(({ id }) => store.revocableOf(id, clock()))
    .flatMap(({ serial }) => (revoked.has(serial) ? [serial] : []))
  // A serial that is there twice is one certificate, or somebody's attempt to be in the way.
  const logged = new Map<string, LoggedSince>()
  for (const log of trust.logs)
    for (const row of await revokedIn(looking, log, revoked)) logged.set(row.serial, row)
  return { onRecord, logged: [...logged.values()] }
}

/** Revokes them again; for what reason is not in a bundle. */
export function revokeAgain(
  transaction: Transaction,
  { onRecord, logged }: RevokedAhead,
  { at, actor }: { readonly at: number; readonly actor: string },
): void {
  const slots = new Map(transaction.slots().map(({ spkiHash, id }) => [spkiHash, id]))
  const learned = logged.filter(({ issuer }) => slots.has(issuer))
  for (const { issuer, ...row } of learned)
    transaction.recordIntent({ ...row, slot: slots.get(issuer) as string, instance: undefined })
  for (const serial of [...onRecord, ...learned.map(({ serial }) => serial)]) {
    transaction.revoke({ serial, reason: 'unspecified', at })
    const entry = { serial, reason: 'unspecified', learned: 'from the published bundle' }
    transaction.addAudit({ at, actor, deed: 'revoked', entry })
  }
}

/** Undefined for a bundle that is not there, or that no bundle key has signed. */
function publishedRevoked({ disk, layout }: Looking, trust: TrustStatement): RevokedSet | undefined {
  const read = (path: string) => disk.readChecked(path, { maxBytes: MAX_BYTES })
  const head = read(layout.mesh.head)
  try {
    return head && openBundle(head, (digest) => read(layout.mesh.section(digest)), trust).revoked
  } catch {
    return undefined
  }
}

/** Entries of a log whose files lie here, as far as they are proven. */
async function revokedIn(
  { store, disk, layout, clock }: Looking,
  log: TrustedLog,
  revoked: RevokedSet,
): Promise<LoggedSince[]> {
  const { public: shown } = layout.log(logFolderId(keyIdOf(log.spki)))
  const read = async (path: string) => {
    const octets = disk.readChecked(join(shown, path), { maxBytes: MAX_BYTES })
    if (octets === undefined) throw new Error(`found no ${path} in the log`)
    return octets
  }
  const found: LoggedSince[] = []
  try {
    const checkpoint = openCheckpoint(await read(CHECKPOINT_PATH), log)
    for (const tile of tilesOfEntries(0, checkpoint.size))
      for (const leaf of await readLogEntries(read, checkpoint, tile)) {
        const row = rowOf(leaf)
        const isNews = row && revoked.has(row.serial) && store.certificate(row.serial) === undefined
        if (row && isNews && row.notAfter > clock()) found.push(row)
      }
  } catch {
    // It is not here, or damaged: what was found is taken.
  }
  return found
}

function rowOf({ entry, timestamp }: TileLeaf): LoggedSince | undefined {
  const certificate = readableCertificate(entry)
  if (entry.type !== 'precert_entry' || certificate === undefined) return undefined
  const { serial, spki, notBefore, notAfter } = certificate
  return {
    ...{ serial, profile: 'leaf', spkiHash: keyIdOf(spki), notBefore, notAfter },
    ...{ tbsHash: hash('sha256', entry.tbs), request: '{}', intendedAt: timestamp },
    issuer: Buffer.from(entry.issuerKeyHash).toString('hex'),
  }
}
