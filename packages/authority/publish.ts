import { basename, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Certificate, encodePem, type Signer, sha256 } from '@datapunk/pki'
import {
  type BundleHead,
  compareDocumentNumbers,
  type DocumentNumber,
  encodeAudit,
  encodeDraining,
  encodeMembers,
  encodeTransparency,
  formatDocumentNumber,
  isSignedBy,
  type Member,
  parseDraining,
  type Requirement,
  readBundleHead,
  readTrustStatement,
  type Subject,
  sealBundleHead,
  sealTrustStatement,
  type TrustedLog,
  type TrustStatement,
} from '@datapunk/protocol'
import { caCertificate } from './ca-certificate.ts'
import type { Engine } from './engine.ts'
import { pinModeNow, pinningAfter, pinningWanted } from './pinning/pin-mode.ts'
import { pinsSection } from './pinning/pins-section.ts'
import { keptSection } from './revocation/kept-section.ts'
import { listsFile } from './revocation/lists-file.ts'
import { type CertificateRequest, decodeRequest, decodeSettings, type Settings } from './settings.ts'
import type { CertificateRow, InstanceRow, Reader, SlotRow, Store } from './store/contract.ts'

const DAY = 24 * 60 * 60 * 1000

/** The certificates and keys that peers are to trust, by their slots. */
export interface TrustedSlots {
  readonly roots: readonly Certificate[]
  readonly issuingCas: readonly Certificate[]
  readonly bundleKeys: readonly Uint8Array[]
  readonly logs: readonly TrustedLog[]
}

/**
 * What peers are to trust: also what is only prepared, once it has a certificate, because a CA signs nothing before every
 * peer knows it (story 5).
 */
export function trustedSlots(reader: Reader): TrustedSlots {
  const trusted = (kind: SlotRow['kind']) =>
    reader
      .slots()
      .filter((slot) => slot.kind === kind && slot.state !== 'retired' && slot.state !== 'compromised')
  const certificates = (kind: SlotRow['kind']) =>
    trusted(kind).flatMap(({ certificate }) =>
      certificate === undefined ? [] : [caCertificate(certificate)],
    )
  return {
    roots: certificates('root'),
    issuingCas: certificates('issuing-ca'),
    bundleKeys: trusted('bundle-key').map((slot) => slot.spki),
    logs: trusted('log').map(({ spki, origin }) => ({ spki, origin: origin! })),
  }
}

/** Whether the newest trust statement says what the slots say. */
export function isTrustStatementCurrent(reader: Reader): boolean {
  const newest = reader.trustStatements().at(-1)
  if (newest === undefined) return false
  const said = readTrustStatement(newest.bytes)
  const meant = trustedSlots(reader)
  const ders = (certificates: readonly Certificate[]) => certificates.map(({ der }) => der)
  return (
    sameOctets(ders(said.roots), ders(meant.roots)) &&
    sameOctets(ders(said.issuingCas), ders(meant.issuingCas)) &&
    sameOctets(said.bundleKeys, meant.bundleKeys) &&
    isDeepStrictEqual(said.logs.map(logText), meant.logs.map(logText))
  )
}

function logText({ spki, origin }: TrustedLog): string {
  return `${hex(spki)} ${origin}`
}

function sameOctets(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((octets, index) => Buffer.compare(octets, b[index]!) === 0)
}

/** The roots that sign the next trust statement: every one that the newest names, and every one that the next will. */
export function rootsToSign(reader: Reader): SlotRow[] {
  const newest = reader.trustStatements().at(-1)
  const roots = [...(newest ? readTrustStatement(newest.bytes).roots : []), ...trustedSlots(reader).roots]
  return reader
    .slots()
    .filter(
      (slot) => slot.kind === 'root' && roots.some((root) => Buffer.compare(root.spki, slot.spki) === 0),
    )
}

/** Whether the newest trust statement names the bundle key in use: unless it does, nobody believes what that signs. */
export function isBundleKeyTrusted(reader: Reader): boolean {
  const newest = reader.trustStatements().at(-1)
  const key = reader.slots().find(({ kind, state }) => kind === 'bundle-key' && state === 'active')
  if (newest === undefined || key === undefined) return false
  return readTrustStatement(newest.bytes).bundleKeys.some((spki) => Buffer.compare(spki, key.spki) === 0)
}

/**
 * Signs and records the next trust statement.
 *
 * @param signers every root of the statement before it, and every root it adds
 */
export async function publishTrustStatement(
  store: Store,
  signers: readonly Signer[],
  now: number,
  actor: string,
): Promise<DocumentNumber> {
  const mesh = store.mesh()
  if (mesh === undefined) throw new TypeError('a trust statement is of a mesh')
  const last = store.trustStatements().at(-1)
  const number = { generation: mesh.generation, counter: (last?.counter ?? 0) + 1 }
  const statement: TrustStatement = {
    number,
    meshId: mesh.meshId,
    trustDomain: mesh.trustDomain,
    issuedAt: now,
    ...trustedSlots(store),
  }
  const bytes = await sealTrustStatement(statement, signers)
  await store.write((transaction) => {
    transaction.addTrustStatement({ ...number, bytes })
    transaction.addAudit({
      at: now,
      actor,
      deed: 'trust-statement-published',
      entry: { number: formatDocumentNumber(number) },
    })
  })
  return number
}

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

type MembersReader = Pick<
  Reader,
  | 'acknowledgements'
  | 'attempts'
  | 'certificate'
  | 'currentCertificates'
  | 'deliveries'
  | 'instances'
  | 'liveCertificates'
  | 'services'
>

/**
 * The members, from the settings applied. During a change both the old and the new are accepted: the names of the newest
 * certificate of each instance, and of those that it may show still, unless they are another member's by now; and the subjects
 * of every certificate that has not expired.
 */
export function membersOf(reader: MembersReader, now: number): Member[] {
  const settings = new Map<string, Settings>()
  const owners = new Map<string, string>()
  const rows = reader.services().filter((row) => row.state === 'member')
  for (const row of rows) {
    const applied = decodeSettings(row.settings)
    settings.set(row.service, applied)
    for (const name of [...applied.dnsNames, ...applied.ipAddresses]) owners.set(name, row.service)
  }
  const instances = reader.instances()
  const living = requestsByService(reader.liveCertificates(now), instances)
  const served = requestsByService([...reader.currentCertificates(), ...stillShown(reader, now)], instances)
  return rows.map((row) => {
    const applied = settings.get(row.service) as Settings
    const stillServed = served.get(row.service) ?? []
    const withServed = (field: 'dnsNames' | 'ipAddresses') => {
      const names = new Set(applied[field])
      for (const request of stillServed) for (const name of request[field]) names.add(name)
      return [...names].filter((name) => (owners.get(name) ?? row.service) === row.service)
    }
    return {
      service: row.service,
      spiffeId: row.spiffeId,
      dnsNames: withServed('dnsNames'),
      ipAddresses: withServed('ipAddresses'),
      subjects: distinctSubjects([applied, ...(living.get(row.service) ?? [])]),
      callers: applied.allow,
      address: applied.address ?? undefined,
      listen: applied.listen ?? undefined,
      minTls: applied.minTls,
    }
  })
}

/**
 * Certificates that are not the newest of their instances, and that these may show still: the one that an instance spoke with
 * last, and all of whoever reads files, because nobody sees when he has read them.
 */
function stillShown(reader: MembersReader, now: number): CertificateRow[] {
  const newest = new Set(reader.currentCertificates().map(({ serial }) => serial))
  const spoken = reader.acknowledgements().flatMap(({ serial }) => {
    const row = newest.has(serial) ? undefined : reader.certificate(serial)
    return row?.state === 'issued' && row.notAfter > now ? [row] : []
  })
  const told = reader.deliveries().map(({ instance }) => instance)
  const toTell = reader.attempts().flatMap(({ kind, subject }) => (kind === 'reload' ? [subject] : []))
  const byFile = new Set([...told, ...toTell])
  if (byFile.size === 0) return spoken
  return [...spoken, ...reader.liveCertificates(now).filter(({ instance }) => byFile.has(instance ?? ''))]
}

function requestsByService(
  certificates: readonly CertificateRow[],
  instances: readonly InstanceRow[],
): Map<string, CertificateRequest[]> {
  const serviceOf = new Map(instances.map(({ id, service }) => [id, service]))
  const requests = new Map<string, CertificateRequest[]>()
  for (const { instance, request } of certificates) {
    const service = serviceOf.get(instance ?? '')
    if (service === undefined) continue
    const list = requests.get(service)
    if (list === undefined) requests.set(service, [decodeRequest(request)])
    else list.push(decodeRequest(request))
  }
  return requests
}

function distinctSubjects(of: readonly Subject[]): Subject[] {
  const subjects: Subject[] = []
  for (const { organization, country } of of) {
    const isKnown = subjects.some((each) => each.organization === organization && each.country === country)
    if (!isKnown) subjects.push({ organization, country })
  }
  return subjects
}

/** Files that peers read, in the order in which they are written: the head last, when all that it names is there. */
function* publishedFiles({
  store,
  layout,
  config,
}: Published): Iterable<readonly [path: string, bytes: Uint8Array]> {
  const roots = trustedSlots(store).roots.map((root) => encodePem('CERTIFICATE', root.der))
  if (roots.length > 0) yield [config.paths.caCert, Buffer.from(roots.join(''))]
  const lists = listsFile(store)
  if (lists.byteLength > 0) yield [config.paths.crl, lists]
  for (const row of store.trustStatements()) yield [layout.mesh.trustStatement(row), row.bytes]
  const bundle = store.bundle()
  if (bundle === undefined) return
  for (const digest of bundle.sections) {
    const bytes = store.section(digest)
    if (bytes !== undefined) yield [layout.mesh.section(digest), bytes]
  }
  yield [layout.mesh.head, bundle.head]
}

/** Signed, and for everyone to read. */
const PUBLIC = { mode: 0o644 }

type Published = Pick<Engine, 'store' | 'disk' | 'layout' | 'config'>

/** Writes what the store holds as files. A crash at any point leaves a head whose sections are there. */
export function writePublished(published: Published): void {
  const { disk, layout, store } = published
  for (const folder of [layout.mesh.dir, layout.mesh.trustDir, layout.mesh.sectionsDir]) {
    disk.ensureFolder(folder, 0o755)
  }
  for (const [path, bytes] of publishedFiles(published)) disk.writeFileIfChanged(path, bytes, PUBLIC)
  const named = new Set(store.bundle()?.sections.map((digest) => basename(layout.mesh.section(digest))))
  for (const name of disk.list(layout.mesh.sectionsDir)) {
    if (!named.has(name)) disk.remove(join(layout.mesh.sectionsDir, name))
  }
}

export function isPublishedOnDisk(published: Published): boolean {
  for (const [path, bytes] of publishedFiles(published)) {
    if (!published.disk.holds(path, bytes, PUBLIC)) return false
  }
  return true
}

function digestOf(bytes: Uint8Array): string {
  return hex(sha256(bytes))
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
