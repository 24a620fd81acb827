import { PkiError, verifyPath } from '@datapunk/pki'
import { type Pair, PairFolder } from '../disk/pair.ts'
import type { Engine } from '../engine/engine.ts'
import { folderOptions } from '../engine/place.ts'
import { AuthorityError } from '../error.ts'
import { servedCertificates } from '../inventory/serving.ts'
import { notAMember } from '../issuing/issue-csr.ts'
import { type Issuance, type IssuedChain, issuePairs } from '../issuing/issue-pair.ts'
import { announceKeys } from '../publishing/announce-keys.ts'
import { checkLeftOut } from '../rollover/left-out.ts'
import { isLiving } from '../scts/submit.ts'
import { membersOf } from '../services/members.ts'
import { decodeSettings } from '../services/settings.ts'
import type { Store } from '../store/contract.ts'
import type { InstanceRow, RevocationRow, ServiceRow } from '../store/rows.ts'
import { trustedSlots } from '../trust/trust.ts'

/** A certificate that an instance shows now. */
export type Rotated = Pick<IssuedChain, 'service' | 'instance' | 'serial' | 'notAfter'>

/**
 * New pairs for every instance whose key lives here, or for those of one service; whatever was held is held no more.
 *
 * @param without instances that are not waited for
 * @throws AuthorityError `INSTANCE_UNKNOWN`, `NOT_A_MEMBER`, `SERVICE_BARRED`
 */
export async function rotateAnew(
  engine: Engine,
  service: string | undefined,
  without: readonly string[] = [],
): Promise<{ rotated: readonly Rotated[]; failed: readonly { instance: string; message: string }[] }> {
  const { store, clock, actor } = engine
  const due = instancesOf(engine, service)
  checkLeftOut(engine, without)
  if (without.length > 0)
    await store.write((transaction) => {
      const entry = { service: service ?? 'all', leftOut: without }
      transaction.addAudit({ at: clock(), actor, deed: 'rotation-asked', entry })
    })
  for (const { row } of due) if (row.held !== undefined) await resume(engine, row)
  await announceKeys(engine)
  const served = servedCertificates(engine)
  const issuances: Issuance[] = due.map(({ row: { id }, service }) => ({
    ...{ instance: id, service, serving: served.get(id) },
  }))
  const failures = await issuePairs(engine, issuances, { isDue: false, leftOut: without })
  await announceKeys(engine)
  const rotated = due.flatMap(({ row }) => (failures.has(row.id) ? [] : [currentOf(engine.store, row)]))
  const failed = [...failures].map(([instance, { message }]) => ({ instance, message }))
  return { rotated, failed }
}

/**
 * Puts the previous pair of a service back, where it would still pass every check, and holds its automatic renewal until
 * somebody says otherwise: whatever was wrong with the new one would only be made again.
 *
 * 1 read → 2 the whole check under today's trust and members → 3 swap → 4 recorded, with its audit entry
 *
 * @throws AuthorityError `NOT_A_MEMBER`, `NO_WAY_BACK`
 */
export async function rotateBack(engine: Engine, service: string): Promise<readonly Rotated[]> {
  const { store, disk, layout, clock, actor, report } = engine
  const back: Rotated[] = []
  for (const { row, service: of } of instancesOf(engine, service)) {
    // 1
    const folder = new PairFolder(layout.instance(row.id).dir, disk)
    const pair = folder.readPrevious()
    if (pair === undefined) throw noWayBack(service, 'found no previous pair on disk')
    // 2
    const serial = checkBack(engine, row, { pair, inUse: () => folder.serial() })
    // 3
    folder.swap(pair, folderOptions(engine, decodeSettings(of.settings)))
    // 4
    const at = clock()
    await store.write((transaction) => {
      transaction.makeCurrent(row.id, serial)
      transaction.putInstance({ ...row, held: serial })
      transaction.addAudit({ at, actor, deed: 'rotated-back', entry: { instance: row.id, serial } })
    })
    report({ kind: 'rotation-held', subject: service, at, detail: { instance: row.id, serial } })
    back.push(currentOf(store, row))
  }
  return back
}

/** Lets the renewal of a service go on by itself again. @throws AuthorityError `NOT_A_MEMBER` */
export async function resumeRotation(engine: Engine, service: string): Promise<readonly Rotated[]> {
  const all = instancesOf(engine, service)
  for (const { row } of all) if (row.held !== undefined) await resume(engine, row)
  return all.map(({ row }) => currentOf(engine.store, row))
}

async function resume(engine: Engine, row: InstanceRow): Promise<void> {
  const { store, clock, actor, report } = engine
  const at = clock()
  await store.write((transaction) => {
    transaction.putInstance({ ...row, held: undefined })
    transaction.addAudit({ at, actor, deed: 'rotation-resumed', entry: { instance: row.id } })
  })
  report({ kind: 'rotation-resumed', subject: row.service, at, detail: { instance: row.id } })
}

interface PutBack {
  readonly pair: Pair
  /** The serial of the pair in whose place it is to be, which may be broken. @throws AuthorityError `PAIR_INVALID` */
  readonly inUse: () => string | undefined
}

/** @returns the serial of the pair, which would pass the gate of every peer now */
function checkBack({ store, clock, config }: Engine, row: InstanceRow, { pair, inUse }: PutBack): string {
  const now = clock()
  const leaf = pair.certificate
  const known = store.certificate(leaf.serial)
  const current = store.currentCertificates().find(({ instance }) => instance === row.id)
  const no = (found: string, cause?: unknown) => noWayBack(row.service, found, cause)
  const revoked = store.revocation(leaf.serial)
  if (revoked !== undefined) throw no(`found that its previous pair ${revokedText(revoked)}`)
  if (known?.state !== 'issued' || known.instance !== row.id)
    throw no(`found a pair ${leaf.serial} that is not on record`)
  if (current === undefined) {
    const gone = store.revocation(inUse() ?? '')
    throw no(`found that the pair in use ${gone === undefined ? 'is not on record' : revokedText(gone)}`)
  }
  if (now - current.intendedAt > config.rotation.keepPrevious)
    throw no(
      `found that it was rotated at ${new Date(current.intendedAt).toISOString()}, longer ago than rotation.keep_previous`,
    )
  const log = store.slots().find(({ id }) => id === known.log)
  if (config.transparency !== 'off' && log !== undefined && !isLiving(log))
    throw no(`found that it is in ${log.id}, which is ${log.state}`)
  if (store.mesh()?.scts === 'required' && log === undefined) throw no('found that it is in no log')
  const { roots, issuingCas } = trustedSlots(store)
  try {
    for (const usage of ['serverAuth', 'clientAuth'] as const)
      verifyPath({ leaf, intermediates: issuingCas, roots, at: now, usage })
  } catch (cause) {
    if (!(cause instanceof PkiError)) throw cause
    throw no(`found that it would be refused: ${cause.message}`, cause)
  }
  const member = membersOf(store, now).find(({ service }) => service === row.service)
  const { dnsNames = [], ipAddresses = [] } = leaf.extensions.subjectAltName ?? {}
  const isNamed =
    dnsNames.every((name) => member?.dnsNames.includes(name)) &&
    ipAddresses.every((address) => member?.ipAddresses.includes(address))
  if (!isNamed) throw no('found that it bears names that the service has no more')
  return leaf.serial
}

function revokedText({ serial, at, reason }: RevocationRow): string {
  return `${serial} is revoked since ${new Date(at).toISOString()} (${reason})`
}

/** @throws AuthorityError `NOT_A_MEMBER`, `SERVICE_BARRED` */
export function checkRotatable(engine: Pick<Engine, 'store'>, service: string): void {
  const row = engine.store.services().find((one) => one.service === service && one.state === 'member')
  if (row === undefined) throw notAMember(service, engine)
  if (row.barredAt !== undefined) throw barred(service)
}

function instancesOf(
  engine: Pick<Engine, 'store'>,
  service: string | undefined,
): { row: InstanceRow; service: ServiceRow }[] {
  const { store } = engine
  if (service !== undefined) checkRotatable(engine, service)
  const members = store.services().filter(({ state }) => state === 'member')
  const rows = new Map(members.map((row) => [row.service, row]))
  return store.instances().flatMap((row) => {
    const of = rows.get(row.service)
    const isMeant =
      of !== undefined &&
      of.barredAt === undefined &&
      row.place === 'here' &&
      (service ?? row.service) === row.service
    return isMeant ? [{ row, service: of }] : []
  })
}

function currentOf(store: Store, { id, service }: InstanceRow): Rotated {
  const current = store.currentCertificates().find(({ instance }) => instance === id)
  return { service, instance: id, serial: current?.serial ?? '', notAfter: current?.notAfter ?? 0 }
}

function barred(service: string): AuthorityError {
  return new AuthorityError(
    'SERVICE_BARRED',
    `found that ${service} was revoked, and gets no certificate until somebody lets it in again; allowed: \`mtls issue ${service}\``,
    { data: { service } },
  )
}

function noWayBack(service: string, found: string, cause?: unknown): AuthorityError {
  return new AuthorityError(
    'NO_WAY_BACK',
    `${service} stays with the pair it has: ${found}; allowed: its previous pair, while that is good and rotation.keep_previous lasts. \`mtls rotate ${service}\` makes a new one`,
    { cause, data: { service } },
  )
}
