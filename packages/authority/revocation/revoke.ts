import { type DocumentNumber, PROBE } from '@datapunk/protocol'
import { apply } from '../applying/apply.ts'
import type { Engine } from '../engine/engine.ts'
import { AuthorityError } from '../error.ts'
import { forgetNextKeys } from '../publishing/announce-keys.ts'
import { isBundleCurrent, publish } from '../publishing/publish.ts'
import { writePublished } from '../publishing/published-files.ts'
import { publishLists } from '../revoked/lists.ts'
import { recordCompromisedKey } from '../revoked/record-compromised-key.ts'
import { recordRevocation } from '../revoked/record-revocation.ts'
import { compromise } from '../rollover/compromise.ts'
import type { CertificateProfile, RevocationRow } from '../store/rows.ts'
import { requireRootKeys } from '../trust/root-keys.ts'
import { findTargets, type Meant, type Targets } from './targets.ts'

export interface RevokeRequest extends Meant {
  /** A service whose keys are in other hands gets new ones at once, rather than none until somebody says so. */
  readonly reissue?: boolean | undefined
}

export interface RevokeReport {
  /** When it was recorded, milliseconds since the epoch. */
  readonly at: number
  readonly revoked: readonly { readonly serial: string; readonly service: string | undefined }[]
  readonly already: readonly RevocationRow[]
  /** Keys that get no certificate any more, as others have them: SHA-256 of each SPKI, lowercase hex. */
  readonly keys: readonly string[]
  /** Services that get no certificate until `mtls issue`. */
  readonly barred: readonly string[]
  /** Services that were given new pairs, and instances that could not be. */
  readonly reissued: readonly string[]
  readonly failed: readonly { readonly instance: string; readonly message: string }[]
  /** The bundle that lists it. */
  readonly bundle: DocumentNumber
}

/**
 * Story 3, Revoke. A crash after 1 leaves it to the next apply to publish what is on record; a disk that is full before is
 * told, and nothing is revoked.
 *
 * @throws AuthorityError `NOT_REVOCABLE`, `STORE_FAILED`; of a CA, `ROOT_KEY_NEEDED`, `PASSPHRASE_WRONG`; `NOT_PUBLISHED` where it is on record, and nobody was told yet
 */
export async function revoke(engine: Engine, request: RevokeRequest): Promise<RevokeReport> {
  const { clock, peers } = engine
  const targets = findTargets(engine, request)
  // What replaces a CA needs more than this records: where that can't be had, nothing is begun.
  if (targets.cas.length > 0) {
    requireRootKeys(engine)
    await engine.keys.provePassphrase()
  }
  // 1 Recorded, all of it in one transaction: a service is barred, so that `up` doesn't undo it.
  const at = clock()
  await record(engine, targets, request, at)
  peers.revoked(new Set(targets.certificates.map(({ serial }) => serial)))
  const failed = await announce(engine, targets, request).catch((cause: Error) => {
    throw notPublished(cause)
  })
  return reportOf(engine, { at, targets, request, failed })
}

async function announce(
  engine: Engine,
  targets: Targets,
  request: RevokeRequest,
): Promise<RevokeReport['failed']> {
  // 2 The next bundle says so; 4 it goes to every peer, the revoked ones included.
  //   A CA goes the emergency path, which publishes too, and issues anew whatever stood on it.
  if (targets.cas.length > 0) await compromise(engine, 'issuing-ca')
  await engine.ownPair.renew(engine)
  if (!isBundleCurrent(engine)) await publish(engine)
  // 3 For whoever goes by lists.
  await publishLists(engine)
  writePublished(engine)
  const failed = await issueAnew(engine, targets, request)
  await engine.deliver(engine, { automatic: false })
  // 5 Peers cut, throw ticket keys away, and acknowledge; 6 whoever asked waits for that (`enforcement.ts`).
  return failed
}

function reportOf(
  engine: Engine,
  {
    at,
    targets,
    request,
    failed,
  }: { at: number; targets: Targets; request: RevokeRequest; failed: RevokeReport['failed'] },
): RevokeReport {
  const { store } = engine
  const names = targets.services.map(({ service }) => service)
  return {
    at,
    revoked: targets.certificates.map(({ serial, instance }) => ({
      serial,
      service: store.instances().find(({ id }) => id === instance)?.service,
    })),
    already: targets.already,
    keys: targets.keys,
    barred: request.reissue ? [] : names,
    reissued: request.reissue ? names.filter((service) => hasPair(engine, service)) : [],
    failed,
    bundle: store.bundle()!,
  }
}

async function record(
  { store, actor, report }: Engine,
  { certificates, services, keys, exposed }: Targets,
  { reason, reissue }: RevokeRequest,
  at: number,
): Promise<void> {
  const owners = new Map(store.instances().map(({ id, service }) => [id, service]))
  const bars = reissue ? [] : services.filter(({ barredAt }) => barredAt === undefined)
  await store.write((transaction) => {
    for (const row of certificates) recordRevocation(transaction, { row, reason, at, actor })
    for (const spkiHash of keys) recordCompromisedKey(transaction, { spkiHash, at, actor })
    forgetNextKeys(transaction, exposed, { at, actor })
    for (const row of bars) {
      transaction.putService({ ...row, barredAt: at })
      transaction.addAudit({ at, actor, deed: 'barred', entry: { service: row.service, reason } })
    }
  })
  for (const { serial, instance, profile } of certificates) {
    const subject = owners.get(instance ?? '') ?? OWN.get(profile) ?? 'mesh'
    report({ kind: 'certificate-revoked', subject, at, detail: { serial, reason } })
  }
  for (const { service } of bars) report({ kind: 'service-barred', subject: service, at, detail: { reason } })
}

/** Whose a certificate is that is of no instance. */
const OWN: ReadonlyMap<CertificateProfile, string> = new Map([
  ['authority', 'authority'],
  ['probe', PROBE],
])

/** New pairs by the next pass of apply, which finds their instances without a certificate. */
async function issueAnew(
  engine: Engine,
  { services, cas }: Targets,
  { reissue }: RevokeRequest,
): Promise<RevokeReport['failed']> {
  if (cas.length === 0 && !(reissue && services.length > 0)) return []
  if (reissue) for (const { service } of services) await letIn(engine, service)
  const { failed } = await apply(engine, { approve: () => false })
  return failed.map(({ action, error }) => ({
    instance: 'instance' in action ? action.instance : action.subject,
    message: error.message,
  }))
}

/** Whether a service has a pair here: what it had before is revoked, so that this is another. */
function hasPair({ store, clock }: Engine, service: string): boolean {
  const own = store.instances().filter((row) => row.service === service && row.place === 'here')
  const ids = new Set(own.map(({ id }) => id))
  return store
    .currentCertificates()
    .some(({ instance, notAfter }) => ids.has(instance ?? '') && notAfter > clock())
}

/** A barred service gets certificates again, because somebody asked for one. */
export async function letIn(engine: Engine, service: string): Promise<void> {
  const { store, clock, actor, report } = engine
  const row = store.services().find((one) => one.service === service)
  if (row?.barredAt === undefined) return
  const at = clock()
  await store.write((transaction) => {
    transaction.putService({ ...row, barredAt: undefined })
    transaction.addAudit({ at, actor, deed: 'let-in', entry: { service } })
  })
  report({ kind: 'service-let-in', subject: service, at, detail: {} })
}

function notPublished(cause: Error): AuthorityError {
  return new AuthorityError(
    'NOT_PUBLISHED',
    `the revocation is on record, and peers were not told yet: ${cause.message}. Once that is mended, \`mtls up\` goes on by itself, or run \`mtls apply\``,
    { cause },
  )
}
