import { hash } from 'node:crypto'
import { join } from 'node:path'
import { readableCertificate, type TbsCertificate, type TileLeaf } from '@datapunk/pki'
import {
  type Bundle,
  compareDocumentNumbers,
  keyIdOf,
  logFolderId,
  openBundle,
  operatorSpiffeId,
  PROBE,
  readLogEntries,
  readTrustStatement,
  type TrustedLog,
  type TrustStatement,
  tilesOfEntries,
} from '@datapunk/protocol'
import { CHECKPOINT_PATH, openCheckpoint } from '@datapunk/tlog'
import type { Engine } from '../engine/engine.ts'
import { forgetNextKeys } from '../publishing/announce-keys.ts'
import { recordCompromisedKey } from '../revoked/record-compromised-key.ts'
import { encodeSettings, settingsOf } from '../services/settings.ts'
import type { PublishedAhead } from '../state/published-ahead.ts'
import type { Transaction } from '../store/contract.ts'
import type { IntentRow, ServiceRow } from '../store/rows.ts'

/** What peers were told to refuse since, and the inventory, being older, does not know to be revoked. */
export interface RevokedAhead {
  /** Serials of certificates that are on record. */
  readonly onRecord: readonly string[]
  /** Of those that were issued since, what the log shows. */
  readonly logged: readonly LoggedSince[]
  /** Services that have no certificate left, as far as is known: the rows that bar them. */
  readonly barred: readonly ServiceRow[]
  /** Members on record whom the published bundle names no more. */
  readonly removed: readonly string[]
}

type LoggedSince = Omit<IntentRow, 'slot' | 'instance'> & {
  /** SHA-256 of the issuer's DER SubjectPublicKeyInfo, lowercase hex. */
  readonly issuer: string
  /** Whose it is, by its SPIFFE ID; undefined: no service's. */
  readonly service: string | undefined
}

type Looking = Pick<Engine, 'config' | 'store' | 'disk' | 'layout' | 'clock'>

/** As peers take them: 8 octets for each of some million, and 256 entries of 64 kB. */
const MAX_BYTES = 64 * 1024 * 1024

const NOTHING: RevokedAhead = { onRecord: [], logged: [], barred: [], removed: [] }

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
  const { store, clock } = looking
  const newest = store.trustStatements().at(-1)
  const trust = statements.at(-1) ?? (newest && readTrustStatement(newest.bytes))
  const bundle = trust && publishedBundle(looking, trust)
  if (trust === undefined || bundle === undefined) return NOTHING
  const removed = removedIn(looking, bundle)
  const { revoked } = bundle
  if (revoked.size === 0) return { ...NOTHING, removed }
  // 1 On record: of services what is intended too, and whatever is of nobody's instance, as operators' are.
  const now = clock()
  const live = store.liveCertificates(now)
  const onRecord = [
    ...store.instances().flatMap(({ id }) => store.revocableOf(id, now)),
    ...live.filter(({ instance }) => instance === undefined),
  ].filter(({ serial }) => revoked.has(serial))
  // 2 Logged since. A serial that is there twice is one certificate, or somebody's attempt to be in the way.
  const since = new Map<string, LoggedSince>()
  for (const log of trust.logs) for (const row of await loggedSince(looking, log)) since.set(row.serial, row)
  const found = [...since.values()].filter(({ serial }) => revoked.has(serial))
  const logged = found.filter(({ serial }) => store.certificate(serial) === undefined)
  const finished = found.filter(({ serial }) => store.certificate(serial) !== undefined)
  // 3 Who is left with nothing.
  const owners = new Map(store.instances().map(({ id, service }) => [id, service]))
  const has = new Set<string | undefined>()
  for (const { serial, instance } of live) if (!revoked.has(serial)) has.add(owners.get(instance ?? ''))
  for (const { serial, service } of since.values()) if (!revoked.has(serial)) has.add(service)
  const had = new Set([
    ...onRecord.map(({ instance }) => owners.get(instance ?? '')),
    ...found.map(({ service }) => service),
  ])
  const left = [...had].filter((service) => service !== undefined && service !== PROBE && !has.has(service))
  const barred = left.flatMap((service) => barOf(looking, service!) ?? [])
  const serials = new Set([...onRecord, ...finished].map(({ serial }) => serial))
  return { onRecord: [...serials], logged, barred, removed }
}

/** Revokes them again; for what reason is not in a bundle. */
export function revokeAgain(
  transaction: Transaction,
  { onRecord, logged, barred, removed }: RevokedAhead,
  { at, actor }: { readonly at: number; readonly actor: string },
): void {
  const learned = 'from the published bundle'
  const slots = new Map(transaction.slots().map(({ spkiHash, id }) => [spkiHash, id]))
  const known = logged.filter(({ issuer }) => slots.has(issuer))
  for (const { issuer, service: _, ...row } of known)
    transaction.recordIntent({ ...row, slot: slots.get(issuer) as string, instance: undefined })
  for (const serial of [...onRecord, ...known.map(({ serial }) => serial)]) {
    transaction.revoke({ serial, reason: 'unspecified', at })
    transaction.addAudit({ at, actor, deed: 'revoked', entry: { serial, reason: 'unspecified', learned } })
  }
  for (const row of barred) {
    transaction.putService({ ...row, barredAt: at })
    const entry = { service: row.service, reason: 'unspecified', learned }
    transaction.addAudit({ at, actor, deed: 'barred', entry })
  }
  // For what reason is not in the bundle: it may be that their keys are in other hands, and the next ones that lie beside them.
  const ofRecord = onRecord.flatMap((serial) => transaction.certificate(serial) ?? [])
  for (const { spkiHash } of [...ofRecord, ...known])
    recordCompromisedKey(transaction, { spkiHash, at, actor })
  const theirs = new Set(barred.map(({ service }) => service))
  const without = transaction.instances().flatMap(({ id, service }) => (theirs.has(service) ? [id] : []))
  forgetNextKeys(transaction, without, { at, actor })
  for (const row of transaction.services()) {
    if (!removed.includes(row.service)) continue
    transaction.putService({ ...row, state: 'removed', since: at })
    transaction.addAudit({ at, actor, deed: 'remove-service', entry: { service: row.service, learned } })
  }
}

/** Undefined for one that is not there, or that no bundle key has signed. */
function publishedBundle({ disk, layout }: Looking, trust: TrustStatement): Bundle | undefined {
  const read = (path: string) => disk.readChecked(path, { maxBytes: MAX_BYTES })
  const head = read(layout.mesh.head)
  try {
    return head && openBundle(head, (digest) => read(layout.mesh.section(digest)), trust)
  } catch {
    return undefined
  }
}

/** Only a bundle that is newer than the newest on record knows better. */
function removedIn({ store }: Looking, { head, members }: Bundle): string[] {
  const newest = store.bundle()
  if (newest === undefined || compareDocumentNumbers(head.number, newest) <= 0) return []
  return store
    .services()
    .filter(({ service, state }) => state === 'member' && service !== PROBE && !members.has(service))
    .map(({ service }) => service)
}

/** The row of a service that is to be barred: of one that came since, as an apply will add it. Undefined where there is no need. */
function barOf({ store, config, clock }: Looking, service: string): ServiceRow | undefined {
  const row = store.services().find((one) => one.service === service)
  if (row !== undefined) return row.barredAt === undefined ? row : undefined
  const wanted = config.services.get(service)
  if (wanted === undefined) return undefined
  const { spiffeId } = wanted
  const settings = encodeSettings(settingsOf(config, wanted))
  return { service, spiffeId, state: 'removed', settings, since: clock(), barredAt: undefined }
}

/** Entries of a log whose files lie here, as far as they are proven, of certificates that are not on record as issued. */
async function loggedSince(looking: Looking, log: TrustedLog): Promise<LoggedSince[]> {
  const { store, disk, layout, clock } = looking
  const { public: shown } = layout.log(logFolderId(keyIdOf(log.spki)))
  const read = async (path: string) => {
    const octets = disk.readChecked(join(shown, path), { maxBytes: MAX_BYTES })
    if (octets === undefined) throw new Error(`found no ${path} in the log`)
    return octets
  }
  const found: LoggedSince[] = []
  const isNews = (serial: string) => (store.certificate(serial)?.state ?? 'intended') === 'intended'
  try {
    const checkpoint = openCheckpoint(await read(CHECKPOINT_PATH), log)
    for (const tile of tilesOfEntries(0, checkpoint.size))
      for (const leaf of await readLogEntries(read, checkpoint, tile)) {
        const row = rowOf(looking, leaf)
        if (row && row.notAfter > clock() && isNews(row.serial)) found.push(row)
      }
  } catch {
    // It is not here, or damaged: what was found is taken.
  }
  return found
}

function rowOf(looking: Looking, { entry, timestamp }: TileLeaf): LoggedSince | undefined {
  const certificate = readableCertificate(entry)
  if (entry.type !== 'precert_entry' || certificate === undefined) return undefined
  const { serial, spki, notBefore, notAfter } = certificate
  const { service, operator } = ownerOf(looking, certificate)
  return {
    ...{ serial, profile: operator === undefined ? 'leaf' : 'operator', spkiHash: keyIdOf(spki) },
    ...{ notBefore, notAfter, tbsHash: hash('sha256', entry.tbs), intendedAt: timestamp },
    request: JSON.stringify(operator === undefined ? {} : { commonName: operator }),
    issuer: Buffer.from(entry.issuerKeyHash).toString('hex'),
    service,
  }
}

/** Whose a certificate is, by its SPIFFE ID. */
function ownerOf(
  { config: { trustDomain } }: Looking,
  { extensions }: TbsCertificate,
): { service?: string; operator?: string } {
  const uri = extensions.subjectAltName?.uris[0] ?? ''
  const [mesh, operators] = [`spiffe://${trustDomain}/`, operatorSpiffeId(trustDomain, '')]
  if (uri.startsWith(operators)) return { operator: uri.slice(operators.length) }
  return uri.startsWith(mesh) ? { service: uri.slice(mesh.length) } : {}
}
