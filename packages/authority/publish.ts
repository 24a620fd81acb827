import { isDeepStrictEqual } from 'node:util'
import { type Signer, sha256 } from '@datapunk/pki'
import {
  type BundleHead,
  compareDocumentNumbers,
  encodeAudit,
  encodeDraining,
  encodeMembers,
  encodeTransparency,
  formatDocumentNumber,
  isSignedBy,
  parseDraining,
  type Requirement,
  readBundleHead,
  sealBundleHead,
} from '@datapunk/protocol'
import type { Engine } from './engine.ts'
import { membersOf } from './members.ts'
import { pinModeNow, pinningAfter, pinningWanted } from './pinning/pin-mode.ts'
import { pinsSection } from './pinning/pins-section.ts'
import { writePublished } from './published-files.ts'
import { keptSection } from './revocation/kept-section.ts'
import type { Reader, Store } from './store/contract.ts'

const DAY = 24 * 60 * 60 * 1000

/** Signs the next bundle, writes it for peers that read files, and sends it to those that listen. */
export async function publish(engine: Engine): Promise<void> {
  const { store, keys, clock, report, push } = engine
  const key = store.slots().find(({ kind, state }) => kind === 'bundle-key' && state === 'active')
  if (key === undefined) throw new TypeError('the mesh has no active bundle key')
  await keys.withSigner(key, (signer) => publishBundle(engine, signer))
  writePublished(engine)
  push()
  const number = formatDocumentNumber(store.bundle()!)
  report({ kind: 'bundle-published', subject: 'mesh', at: clock(), detail: { number } })
}

/** Signs and records the next bundle: the members and their keys as the inventory has them. */
async function publishBundle(engine: Engine, signer: Signer): Promise<void> {
  const { store, config, clock, actor } = engine
  const now = clock()
  const mesh = store.mesh()
  const trust = store.trustStatements().at(-1)
  if (mesh === undefined || trust === undefined) throw new TypeError('a bundle stands on a trust statement')
  const [wanted, pinMode] = [pinningWanted(engine), pinModeNow(engine)]
  const audit = store.auditTree()
  const sections = [
    ...sectionsOf(store, pinMode, { now, pinnedAt: now }),
    sectionOf('audit', false, encodeAudit(audit)),
  ]
  const previous = store.bundle()
  const sameGeneration = previous?.generation === mesh.generation
  const head: BundleHead = {
    meshId: mesh.meshId,
    format: 1,
    number: { generation: mesh.generation, counter: sameGeneration ? previous.counter + 1 : 1 },
    issuedAt: now,
    expiresAt: now + config.authority.bundleDays * DAY,
    trustStatement: { generation: trust.generation, counter: trust.counter },
    sections: sections.map(({ kind, critical, digest, bytes }) => ({
      ...{ kind, critical, digest, size: bytes.byteLength },
    })),
  }
  const bytes = await sealBundleHead(head, signer)
  await store.write((transaction) => {
    transaction.addBundle(
      { ...head.number, head: bytes, issuedAt: now, expiresAt: head.expiresAt },
      new Map(sections.map(({ digest, bytes }) => [digest, bytes])),
    )
    const announced = { ...head.number, at: now }
    if (pinMode !== 'off') transaction.announceNextKeys(announced)
    transaction.putPinning(pinningAfter(transaction.pinning(), { wanted, mode: pinMode }, announced))
    transaction.addAuditCheckpoint({ ...head.number, ...audit })
    transaction.addAudit({ at: now, actor, deed: 'bundle-published', entry: { ...head.number } })
  })
}

/**
 * Whether the newest bundle says what the inventory says now, under the newest trust statement, by the key in use. Of the
 * audit it can't: to publish it is a deed that the audit tells of.
 */
export function isBundleCurrent(engine: Pick<Engine, 'store' | 'peers' | 'clock' | 'config'>): boolean {
  const { store, clock } = engine
  const bundle = store.bundle()
  const trust = store.trustStatements().at(-1)
  if (bundle === undefined || trust === undefined) return false
  const { head, document } = readBundleHead(bundle.head)
  const key = store.slots().find(({ kind, state }) => kind === 'bundle-key' && state === 'active')
  return (
    compareDocumentNumbers(head.trustStatement, trust) === 0 &&
    key !== undefined &&
    isSignedBy(document, key.spki) &&
    isDeepStrictEqual(
      head.sections.flatMap(({ kind, digest }) => (kind === 'audit' ? [] : [digest])),
      // A key whose certificate has ended since then goes with the bundle of the next day.
      sectionsOf(store, pinModeNow(engine), { now: clock(), pinnedAt: bundle.issuedAt }).map(
        ({ digest }) => digest,
      ),
    )
  )
}

interface Section {
  readonly kind: string
  readonly critical: boolean
  readonly digest: string
  readonly bytes: Uint8Array
}

function sectionsOf(
  reader: Store,
  pinMode: 'off' | Requirement,
  { now, pinnedAt }: { readonly now: number; readonly pinnedAt: number },
): Section[] {
  const draining = drainingIssuers(reader, now)
  const scts = reader.mesh()?.scts
  const revoked = keptSection(reader).at(now - KEPT)
  return [
    sectionOf('members', true, encodeMembers(membersOf(reader, now))),
    ...(revoked === undefined ? [] : [sectionOf('revoked', true, revoked.bytes, revoked.digest)]),
    ...(draining.length === 0 ? [] : [sectionOf('draining', false, encodeDraining(draining))]),
    ...(scts === undefined ? [] : [sectionOf('transparency', false, encodeTransparency(scts))]),
    // A peer of before there were pins goes on without.
    ...(pinMode === 'off' ? [] : [sectionOf('pins', false, pinsSection(reader, pinMode, pinnedAt - KEPT))]),
  ]
}

function sectionOf(kind: string, critical: boolean, bytes: Uint8Array, digest = digestOf(bytes)): Section {
  return { kind, critical, digest, bytes }
}

/** A peer whose clock is late believes a certificate for so long after its end. */
const KEPT = DAY

/** The issuing CAs that a bundle on record tells peers to move away from. */
export function drainingIn(reader: Reader, { sections }: BundleHead): ReadonlySet<string> {
  const digest = sections.find(({ kind }) => kind === 'draining')?.digest
  const bytes = digest && reader.section(digest)
  return bytes ? parseDraining(bytes) : new Set()
}

/** Issuing CAs that retire, and under which no certificate is in use any more, by the hash of their keys. */
export function drainingIssuers(reader: Reader, now: number): string[] {
  const retiring = reader.slots().filter(({ kind, state }) => kind === 'issuing-ca' && state === 'retiring')
  if (retiring.length === 0) return []
  const members = new Set(reader.services().flatMap((row) => (row.state === 'member' ? [row.service] : [])))
  const services = new Map(reader.instances().map(({ id, service }) => [id, service]))
  const used = new Map<string, string[]>()
  for (const { slot, instance, notAfter } of reader.currentCertificates()) {
    if (notAfter <= now || !members.has(services.get(instance ?? '') ?? '')) continue
    used.set(slot, [...(used.get(slot) ?? []), instance!])
  }
  return retiring
    .filter(({ id, leftOut }) => (used.get(id) ?? []).every((instance) => leftOut.includes(instance)))
    .map(({ spkiHash }) => spkiHash)
}

function digestOf(bytes: Uint8Array): string {
  return hex(sha256(bytes))
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
