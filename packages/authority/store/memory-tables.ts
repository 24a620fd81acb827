import { compareDocumentNumbers, formatDocumentNumber, revokedPrefix } from '@datapunk/protocol'
import { CompactTree, type TreeRoot } from '@datapunk/tlog'
import { auditLeaf } from './audit-leaf.ts'
import type { Transaction } from './contract.ts'
import { checkListNumber, checkNumber, refusal } from './refusal.ts'
import type {
  AcknowledgementRow,
  Announced,
  AttemptKind,
  AttemptRow,
  AuditCheckpointRow,
  AuditRow,
  BundleRow,
  CertificateProfile,
  CertificateRow,
  CompromisedKeyRow,
  DeliveryRow,
  HashedRecord,
  InstanceRow,
  IntentRow,
  ListHead,
  ListRow,
  MeshChange,
  MeshRow,
  NewAuditEntry,
  NextKeyRow,
  PinnedKey,
  PinningRow,
  PublishedBundleRow,
  RevocationRow,
  RevokedAfter,
  RevokedCertificate,
  ServiceRow,
  SlotRow,
  TermRow,
  TrustStatementRow,
} from './rows.ts'

/** The rows of a `MemoryStore`, with a list of what to do to take changes back. A row is never changed, only replaced. */
export class MemoryTables implements Transaction {
  #undo: (() => void)[] = []
  #open = false
  #mesh: MeshRow | undefined
  readonly #slots = new Map<string, SlotRow>()
  readonly #services = new Map<string, ServiceRow>()
  readonly #instances = new Map<string, InstanceRow>()
  readonly #certificates = new Map<string, CertificateRow>()
  readonly #serialByPrefix = new Map<string, string>()
  readonly #revocations = new Map<string, RevocationRow & Pick<RevokedCertificate, 'number'>>()
  readonly #compromisedKeys = new Map<string, CompromisedKeyRow>()
  readonly #lists = new Map<string, ListRow>()
  readonly #current = new Map<string, string>()
  readonly #acknowledgements = new Map<string, AcknowledgementRow>()
  readonly #deliveries = new Map<string, DeliveryRow>()
  readonly #attempts = new Map<string, AttemptRow>()
  readonly #nextKeys = new Map<string, NextKeyRow>()
  readonly #pinning = new Map<'one', PinningRow>()
  readonly #sections = new Map<string, Uint8Array>()
  #trustStatements: TrustStatementRow[] = []
  #bundles: { row: BundleRow; digests: readonly string[] }[] = []
  #audit: HashedRecord[] = []
  /** Of so many entries as it has leaves; the rest is added when it is asked for. */
  #auditTree = new CompactTree()
  readonly #auditCheckpoints = new Map<string, AuditCheckpointRow>()

  /** The same rows in tables of their own. */
  copy(): MemoryTables {
    const copy = new MemoryTables()
    copy.#mesh = this.#mesh
    fill(copy.#slots, this.#slots)
    fill(copy.#services, this.#services)
    fill(copy.#instances, this.#instances)
    fill(copy.#certificates, this.#certificates)
    fill(copy.#serialByPrefix, this.#serialByPrefix)
    fill(copy.#revocations, this.#revocations)
    fill(copy.#compromisedKeys, this.#compromisedKeys)
    fill(copy.#lists, this.#lists)
    fill(copy.#current, this.#current)
    fill(copy.#acknowledgements, this.#acknowledgements)
    fill(copy.#deliveries, this.#deliveries)
    fill(copy.#attempts, this.#attempts)
    fill(copy.#nextKeys, this.#nextKeys)
    fill(copy.#pinning, this.#pinning)
    fill(copy.#sections, this.#sections)
    copy.#trustStatements = [...this.#trustStatements]
    copy.#bundles = [...this.#bundles]
    copy.#audit = [...this.#audit]
    fill(copy.#auditCheckpoints, this.#auditCheckpoints)
    return copy
  }

  /** Lets one work write. @returns where `undoTo` goes back to should it throw */
  open(): number {
    this.#open = true
    return this.#undo.length
  }

  shut(): void {
    this.#open = false
  }

  undoTo(before: number): void {
    while (this.#undo.length > before) this.#undo.pop()?.()
  }

  keep(): void {
    this.#undo = []
  }

  mesh(): MeshRow | undefined {
    return this.#mesh
  }

  slots(): readonly SlotRow[] {
    return inOrder(this.#slots)
  }

  services(): readonly ServiceRow[] {
    return inOrder(this.#services)
  }

  instances(): readonly InstanceRow[] {
    return inOrder(this.#instances)
  }

  currentCertificates(): readonly CertificateRow[] {
    const serials = new Set(this.#current.values())
    return this.#certificatesWhere((row) => row.state === 'issued' && serials.has(row.serial))
  }

  terms(): readonly TermRow[] {
    return this.currentCertificates().flatMap(({ instance, serial, notBefore, notAfter }) => {
      const row = this.#instances.get(instance ?? '')
      if (row === undefined || this.#services.get(row.service)?.state !== 'member') return []
      const { id, service, place, held } = row
      return [{ service, instance: id, place, held: held === serial, serial, notBefore, notAfter }]
    })
  }

  certificate(serial: string): CertificateRow | undefined {
    const row = this.#certificates.get(serial)
    return row && this.#withRevocation(row)
  }

  revocableOf(instance: string, after: number): readonly CertificateRow[] {
    return this.#certificatesWhere(
      (row) =>
        row.instance === instance &&
        row.notAfter > after &&
        (row.state === 'intended' || row.state === 'issued'),
    )
  }

  revokedOf(instance: string, after: number): readonly CertificateRow[] {
    return this.#certificatesWhere(
      (row) => row.instance === instance && row.notAfter > after && row.state === 'revoked',
    )
  }

  certificatesOf(instance: string, limit: number): readonly CertificateRow[] {
    return this.#certificatesWhere((row) => row.instance === instance)
      .toReversed()
      .slice(0, limit)
  }

  certificatesFrom(serial: string): readonly CertificateRow[] {
    return this.#certificatesWhere((row) => row.serial.startsWith(serial))
  }

  isSerialPrefixUsed(prefix: string): boolean {
    return this.#serialByPrefix.has(prefix)
  }

  revocation(serial: string): RevocationRow | undefined {
    const row = this.#revocations.get(serial)
    return row && { serial, reason: row.reason, at: row.at }
  }

  isKeyCompromised(spkiHash: string): boolean {
    return this.#compromisedKeys.has(spkiHash)
  }

  lastRevocationOf(slot: string): number {
    const ofSlot = [...this.#revocations.values()].filter(
      ({ serial }) => this.#certificates.get(serial)?.slot === slot,
    )
    return ofSlot.at(-1)?.number ?? 0
  }

  lists(): readonly ListHead[] {
    return inOrder(this.#lists).map(({ der, ...head }) => head)
  }

  list(slot: string, scope: string): ListRow | undefined {
    return this.#lists.get(`${slot} ${scope}`)
  }

  revoked({ number, time, slot: of }: RevokedAfter): Iterable<RevokedCertificate> {
    const rows = [...this.#revocations.values()].filter((row) => row.number > number)
    return rows.flatMap((row) => {
      const { profile, slot, notAfter } = this.#certificates.get(row.serial)!
      return notAfter > time && (of ?? slot) === slot ? [{ ...row, profile, slot, notAfter }] : []
    })
  }

  liveCertificates(after: number): readonly CertificateRow[] {
    return this.#certificatesWhere((row) => row.state === 'issued' && row.notAfter > after)
  }

  nextEnd(after: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const { serial, state, notAfter } of this.#certificates.values()) {
      const isLive = state === 'issued' && notAfter > after && !this.#revocations.has(serial)
      if (isLive && notAfter < next) next = notAfter
    }
    return next
  }

  trustStatements(): readonly TrustStatementRow[] {
    return [...this.#trustStatements]
  }

  bundle(): PublishedBundleRow | undefined {
    const last = this.#bundles.at(-1)
    return last && { ...last.row, sections: last.digests.toSorted() }
  }

  section(digest: string): Uint8Array | undefined {
    const named = this.#bundles.slice(-2).some((bundle) => bundle.digests.includes(digest))
    return named ? this.#sections.get(digest) : undefined
  }

  acknowledgements(): readonly AcknowledgementRow[] {
    return inOrder(this.#acknowledgements)
  }

  deliveries(): readonly DeliveryRow[] {
    return inOrder(this.#deliveries)
  }

  attempts(): readonly AttemptRow[] {
    return inOrder(this.#attempts)
  }

  nextKeys(): readonly NextKeyRow[] {
    return inOrder(this.#nextKeys)
  }

  pinnedKeys(after: number): readonly PinnedKey[] {
    const keys = [...this.#nextKeys.values()].map(({ instance, spkiHash }) => ({ instance, spkiHash }))
    for (const { serial, state, notAfter, instance, spkiHash } of this.#certificates.values()) {
      const isLive = state === 'issued' && notAfter > after && !this.#revocations.has(serial)
      if (isLive && instance !== undefined) keys.push({ instance, spkiHash })
    }
    const pinned = new Map<string, PinnedKey>()
    for (const { instance, spkiHash } of keys) {
      const { service } = this.#instances.get(instance)!
      if (this.#services.get(service)?.state !== 'member') continue
      pinned.set(`${service} ${spkiHash}`, { service, spkiHash })
    }
    return inOrder(pinned)
  }

  pinning(): PinningRow | undefined {
    return this.#pinning.get('one')
  }

  issuedOf(profile: Exclude<CertificateProfile, 'leaf'>): readonly CertificateRow[] {
    return this.#certificatesWhere((row) => row.state === 'issued' && row.profile === profile)
  }

  audit(after: number, limit: number): readonly AuditRow[] {
    return this.#audit
      .slice(after, after + limit)
      .map(({ leaf, ...row }) => ({ ...row, entry: JSON.parse(row.entry) }) as AuditRow)
  }

  auditRecords(after: number): Iterable<HashedRecord> {
    return this.#audit.slice(after)
  }

  auditTree(): TreeRoot {
    for (const { leaf } of this.#audit.slice(this.#auditTree.size))
      this.#auditTree.append(Buffer.from(leaf, 'hex'))
    return { size: this.#auditTree.size, root: this.#auditTree.root() }
  }

  auditCheckpoints(): readonly AuditCheckpointRow[] {
    return [...this.#auditCheckpoints.values()].sort(compareDocumentNumbers)
  }

  createMesh(row: MeshRow): void {
    this.#mustBeOpen()
    if (this.#mesh) throw refusal.meshExists()
    this.#mesh = copyOf(row)
    this.#undo.push(() => {
      this.#mesh = undefined
    })
  }

  changeMesh(change: MeshChange): void {
    this.#mustBeOpen()
    const before = this.#mesh
    if (before === undefined) throw refusal.noMesh()
    const after = { ...before, ...change }
    if (after.generation < before.generation) throw refusal.generation(after.generation, before.generation)
    this.#mesh = after
    this.#undo.push(() => {
      this.#mesh = before
    })
  }

  putSlot(row: SlotRow): void {
    this.#put(this.#slots, row.id, row)
  }

  putService(row: ServiceRow): void {
    this.#put(this.#services, row.service, row)
  }

  putInstance(row: InstanceRow): void {
    if (!this.#services.has(row.service)) {
      throw refusal.referenceMissing(`instance ${row.id}`, `service ${row.service}`)
    }
    this.#put(this.#instances, row.id, row)
  }

  recordIntent(row: IntentRow): void {
    if (this.#certificates.has(row.serial)) throw refusal.serialReused(row.serial)
    const instanceThere = row.instance === undefined || this.#instances.has(row.instance)
    if (!this.#slots.has(row.slot) || !instanceThere) throw refusal.intentReference(row)
    this.#put(this.#certificates, row.serial, { ...row, state: 'intended', der: undefined, log: undefined })
    this.#put(this.#serialByPrefix, revokedPrefix(row.serial), row.serial)
  }

  recordIssued(serial: string, der: Uint8Array, log?: string): string | undefined {
    const intent = this.#intent(serial)
    if (log !== undefined && !this.#slots.has(log)) throw refusal.logReference(serial, log)
    this.#put(this.#certificates, serial, { ...intent, state: 'issued', der, log })
    if (intent.instance === undefined) return undefined
    const before = this.#current.get(intent.instance)
    this.#put(this.#current, intent.instance, serial)
    if (this.#nextKeys.get(intent.instance)?.spkiHash === intent.spkiHash)
      this.#delete(this.#nextKeys, intent.instance)
    return before
  }

  makeCurrent(instance: string, serial: string): void {
    this.#mustBeOpen()
    const row = this.#certificates.get(serial)
    if (row?.state !== 'issued' || row.instance !== instance || this.#revocations.has(serial)) {
      throw refusal.referenceMissing(`instance ${instance}`, `issued certificate ${serial}`)
    }
    this.#put(this.#current, instance, serial)
  }

  putAcknowledgement(row: AcknowledgementRow): void {
    this.#mustHaveInstance('acknowledgement', row.instance)
    this.#put(this.#acknowledgements, row.instance, row)
  }

  putDelivery(row: DeliveryRow): void {
    this.#mustHaveInstance('delivery', row.instance)
    this.#put(this.#deliveries, row.instance, row)
  }

  putAttempt(row: AttemptRow): void {
    this.#put(this.#attempts, `${row.kind} ${row.subject}`, row)
  }

  forgetAttempt(kind: AttemptKind, subject: string): void {
    this.#delete(this.#attempts, `${kind} ${subject}`)
  }

  putNextKey(row: NextKeyRow): void {
    this.#mustHaveInstance('next key', row.instance)
    this.#put(this.#nextKeys, row.instance, row)
  }

  forgetNextKey(instance: string): void {
    this.#delete(this.#nextKeys, instance)
  }

  announceNextKeys(announced: Announced): void {
    for (const row of [...this.#nextKeys.values()]) {
      if (row.announced === undefined) this.#put(this.#nextKeys, row.instance, { ...row, announced })
    }
  }

  putPinning(row: PinningRow): void {
    this.#put(this.#pinning, 'one', row)
  }

  revoke(row: RevocationRow): boolean {
    this.#mustBeOpen()
    if (!this.#certificates.has(row.serial))
      throw refusal.referenceMissing(`the revocation of ${row.serial}`, 'certificate')
    if (this.#revocations.has(row.serial)) return false
    this.#put(this.#revocations, row.serial, { ...row, number: this.#revocations.size + 1 })
    return true
  }

  addCompromisedKey(row: CompromisedKeyRow): boolean {
    this.#mustBeOpen()
    if (this.#compromisedKeys.has(row.spkiHash)) return false
    this.#put(this.#compromisedKeys, row.spkiHash, row)
    return true
  }

  putList(row: ListRow): void {
    checkListNumber(row, this.lists())
    if (!this.#slots.has(row.slot))
      throw refusal.referenceMissing(`the list of ${row.slot}`, `slot ${row.slot}`)
    this.#put(this.#lists, `${row.slot} ${row.scope}`, row)
  }

  addTrustStatement(row: TrustStatementRow): void {
    checkNumber('trust statement', row, this.#trustStatements.at(-1))
    this.#append(this.#trustStatements, copyOf(row))
  }

  addBundle(row: BundleRow, sections: ReadonlyMap<string, Uint8Array>): void {
    checkNumber('bundle', row, this.#bundles.at(-1)?.row)
    for (const [digest, bytes] of sections) this.#put(this.#sections, digest, bytes)
    this.#append(this.#bundles, { row: copyOf(row), digests: [...sections.keys()] })
  }

  addAudit(row: NewAuditEntry): void {
    this.#mustBeOpen()
    const record = { ...row, entry: JSON.stringify(row.entry), number: this.#audit.length + 1 }
    this.#audit.push({ ...record, leaf: Buffer.from(auditLeaf(record)).toString('hex') })
    this.#undo.push(() => {
      this.#audit.pop()
      if (this.#auditTree.size > this.#audit.length) this.#auditTree = new CompactTree()
    })
  }

  addAuditCheckpoint(row: AuditCheckpointRow): void {
    this.#mustBeOpen()
    const number = formatDocumentNumber(row)
    const what = `bundle ${number}`
    // From the end: it is mostly of the newest one, and a year has hundreds.
    const bundle = this.#bundles.findLast((other) => compareDocumentNumbers(other.row, row) === 0)
    if (bundle === undefined) throw refusal.referenceMissing(`the audit’s checkpoint of ${what}`, what)
    if (this.#auditCheckpoints.has(number)) throw refusal.checkpointExists(row)
    this.#put(this.#auditCheckpoints, number, row)
  }

  #mustHaveInstance(what: string, instance: string): void {
    this.#mustBeOpen()
    if (this.#instances.has(instance)) return
    throw refusal.referenceMissing(`the ${what} of ${instance}`, `instance ${instance}`)
  }

  #intent(serial: string): CertificateRow {
    this.#mustBeOpen()
    const row = this.#certificates.get(serial)
    if (row?.state !== 'intended' || this.#revocations.has(serial)) throw refusal.noIntent(serial)
    return row
  }

  #certificatesWhere(keep: (row: CertificateRow) => boolean): CertificateRow[] {
    const rows = [...this.#certificates.values()].map((row) => this.#withRevocation(row))
    return rows.filter(keep)
  }

  #withRevocation(row: CertificateRow): CertificateRow {
    return this.#revocations.has(row.serial) ? { ...row, state: 'revoked' } : row
  }

  #put<V>(table: Map<string, V>, key: string, value: V): void {
    this.#mustBeOpen()
    const before = table.get(key)
    table.set(key, copyOf(value))
    this.#undo.push(() => (before === undefined ? table.delete(key) : table.set(key, before)))
  }

  #delete<V>(table: Map<string, V>, key: string): void {
    this.#mustBeOpen()
    const before = table.get(key)
    if (before === undefined) return
    table.delete(key)
    this.#undo.push(() => table.set(key, before))
  }

  #append<V>(table: V[], value: V): void {
    this.#mustBeOpen()
    table.push(value)
    this.#undo.push(() => table.pop())
  }

  #mustBeOpen(): void {
    if (!this.#open) throw refusal.outsideWork()
  }
}

function fill<V>(table: Map<string, V>, rows: ReadonlyMap<string, V>): void {
  for (const [key, row] of rows) table.set(key, row)
}

function inOrder<V>(table: Map<string, V>): V[] {
  return [...table.keys()].sort().map((key) => table.get(key)!)
}

/** A row that shares no bytes with what the caller holds. */
function copyOf<V>(value: V): V {
  if (value instanceof Uint8Array) return new Uint8Array(value) as V
  if (Array.isArray(value)) return value.map(copyOf) as V
  if (typeof value !== 'object' || value === null) return value
  const copy = { ...value }
  for (const key in copy) {
    if (typeof copy[key] === 'object') copy[key] = copyOf(copy[key])
  }
  return copy
}
