import type { CountingStore, Reader, Store, Transaction } from './contract.ts'
import type {
  AuditCheckpointRow,
  AuditRow,
  CertificateProfile,
  CertificateRow,
  HashedRecord,
  ListRow,
  PinnedKey,
  RevocationRow,
  RevokedAfter,
  RevokedCertificate,
  TermRow,
} from './rows.ts'

type Deed = Exclude<keyof Transaction, keyof Reader>

/** What deeds change, and answers are made from. */
const tables = [
  'acknowledgements',
  'announcements',
  'attempts',
  'audit',
  'bundles',
  'certificates',
  'deliveries',
  'instances',
  'lists',
  'mesh',
  'next keys',
  'pinning',
  'services',
  'slots',
  'trust statements',
] as const
type Table = (typeof tables)[number]

const changes: Readonly<Record<Deed, readonly Table[]>> = {
  createMesh: ['mesh'],
  changeMesh: ['mesh'],
  putSlot: ['slots'],
  putService: ['services'],
  putInstance: ['instances'],
  recordIntent: ['certificates'],
  recordIssued: ['certificates', 'next keys'],
  makeCurrent: ['certificates'],
  revoke: ['certificates'],
  addCompromisedKey: [],
  putList: ['lists'],
  putAcknowledgement: ['acknowledgements'],
  putDelivery: ['deliveries'],
  putAttempt: ['attempts'],
  forgetAttempt: ['attempts'],
  putNextKey: ['next keys'],
  forgetNextKey: ['next keys'],
  announceNextKeys: ['announcements'],
  putPinning: ['pinning'],
  addTrustStatement: ['trust statements'],
  addBundle: ['bundles'],
  addAudit: ['audit'],
  addAuditCheckpoint: ['audit'],
}

interface Answer {
  readonly value: unknown
  /** How often the tables that it is made from had changed. */
  readonly changes: number
}

/** An answer to what was asked of a time: the same for all times in between. */
interface AnswerForTime<T> {
  readonly value: T
  readonly from: number
  readonly until: number
}

/**
 * An inventory that reads nothing twice: what it has answered it answers again, with the same objects, until a table that the
 * answer is made from may have changed. So whoever makes something of an answer can keep that for as long.
 *
 * It can't disagree with the inventory. The deeds of every work are noted, and the tables that they change count as changed once
 * their commit is over, whatever became of it; a commit of anybody else changes all.
 */
export class KeptStore implements Store {
  readonly #store: CountingStore
  readonly #answers = new Map<string, Answer>()
  readonly #changes = new Map<Table, number>(tables.map((table) => [table, 0]))
  /** By works whose commit may not be over: and how many commits there were before it. */
  readonly #changing = new Map<Table, number>()
  #commits: CountingStore['commits']
  #noted: { readonly of: Transaction; readonly transaction: Transaction } | undefined

  constructor(store: CountingStore) {
    this.#store = store
    this.#commits = store.commits
  }

  write<T>(work: (transaction: Transaction) => T): Promise<T> {
    return this.#store.write((transaction) => work(this.#noting(transaction)))
  }

  get failure(): Error | undefined {
    return this.#store.failure
  }

  close(): void {
    this.#store.close()
  }

  mesh = () => this.#once('mesh', ['mesh'], () => this.#store.mesh())
  slots = () => this.#once('slots', ['slots'], () => this.#store.slots())
  services = () => this.#once('services', ['services'], () => this.#store.services())
  instances = () => this.#once('instances', ['instances'], () => this.#store.instances())
  lists = () => this.#once('lists', ['lists'], () => this.#store.lists())
  trustStatements = () =>
    this.#once('trust statements', ['trust statements'], () => this.#store.trustStatements())
  bundle = () => this.#once('bundle', ['bundles'], () => this.#store.bundle())
  acknowledgements = () =>
    this.#once('acknowledgements', ['acknowledgements'], () => this.#store.acknowledgements())
  deliveries = () => this.#once('deliveries', ['deliveries'], () => this.#store.deliveries())
  attempts = () => this.#once('attempts', ['attempts'], () => this.#store.attempts())
  nextKeys = () => this.#once('next keys', ['next keys', 'announcements'], () => this.#store.nextKeys())
  pinning = () => this.#once('pinning', ['pinning'], () => this.#store.pinning())
  auditTree = () => this.#once('audit tree', ['audit'], () => this.#store.auditTree())

  currentCertificates = (): readonly CertificateRow[] =>
    this.#once('current', ['certificates'], (): Current => {
      const rows = this.#store.currentCertificates()
      return { rows, bySerial: new Map(rows.map((row) => [row.serial, row])) }
    }).rows

  liveCertificates = (after: number): readonly CertificateRow[] =>
    this.#onceFor('live', ['certificates'], after, () => {
      const kept = this.#keptCertificates()
      // One object for each, because there may be many.
      return this.#store.liveCertificates(after).map((row) => kept?.get(row.serial) ?? row)
    })

  pinnedKeys = (after: number): readonly PinnedKey[] =>
    this.#onceFor('pins', ['certificates', 'next keys', 'instances', 'services'], after, () =>
      this.#store.pinnedKeys(after),
    )

  nextEnd = (after: number): number => this.#store.nextEnd(after)

  issuedOf = (profile: Exclude<CertificateProfile, 'leaf'>): readonly CertificateRow[] =>
    this.#once(`issued ${profile}`, ['certificates'], () => this.#store.issuedOf(profile))

  lastRevocationOf = (slot: string): number =>
    this.#once(`last revocation ${slot}`, ['certificates'], () => this.#store.lastRevocationOf(slot))

  section = (digest: string): Uint8Array | undefined => {
    const sections = this.#once('sections', ['bundles'], () => new Map<string, Uint8Array>())
    const bytes = sections.get(digest) ?? this.#store.section(digest)
    if (bytes !== undefined) sections.set(digest, bytes)
    return bytes
  }

  /** Of those that are kept anyway; of all others there is no end. */
  certificate = (serial: string): CertificateRow | undefined =>
    this.#keptCertificates()?.get(serial) ?? this.#store.certificate(serial)

  terms = (): readonly TermRow[] => this.#store.terms()
  revocableOf = (instance: string, after: number): readonly CertificateRow[] =>
    this.#store.revocableOf(instance, after)
  revokedOf = (instance: string, after: number): readonly CertificateRow[] =>
    this.#store.revokedOf(instance, after)
  certificatesOf = (instance: string, limit: number): readonly CertificateRow[] =>
    this.#store.certificatesOf(instance, limit)
  certificatesFrom = (serial: string): readonly CertificateRow[] => this.#store.certificatesFrom(serial)
  isSerialPrefixUsed = (prefix: string): boolean => this.#store.isSerialPrefixUsed(prefix)
  revocation = (serial: string): RevocationRow | undefined => this.#store.revocation(serial)
  isKeyCompromised = (spkiHash: string): boolean => this.#store.isKeyCompromised(spkiHash)
  revoked = (which: RevokedAfter): Iterable<RevokedCertificate> => this.#store.revoked(which)
  list = (slot: string, scope: string): ListRow | undefined => this.#store.list(slot, scope)
  audit = (after: number, limit: number): readonly AuditRow[] => this.#store.audit(after, limit)
  auditRecords = (after: number): Iterable<HashedRecord> => this.#store.auditRecords(after)
  auditCheckpoints = (): readonly AuditCheckpointRow[] => this.#store.auditCheckpoints()

  #keptCertificates(): Current['bySerial'] | undefined {
    return this.#kept<Current>('current', ['certificates'])?.bySerial
  }

  #once<T>(name: string, from: readonly Table[], read: () => T): T {
    const known = this.#kept<T>(name, from)
    return known ?? this.#keep(name, from, read())
  }

  #onceFor<T>(name: string, from: readonly Table[], after: number, read: () => T): T {
    const known = this.#kept<AnswerForTime<T>>(name, from)
    if (known !== undefined && known.from <= after && after < known.until) return known.value
    const answer = { value: read(), from: after, until: this.#store.nextEnd(after) }
    return this.#keep(name, from, answer).value
  }

  #kept<T>(name: string, from: readonly Table[]): T | undefined {
    this.#takeInCommits()
    const known = this.#answers.get(name)
    return known?.changes === this.#changesOf(from) ? (known.value as T) : undefined
  }

  #keep<T>(name: string, from: readonly Table[], value: T): T {
    this.#answers.set(name, { value, changes: this.#changesOf(from) })
    return value
  }

  /** Counts only go up, so their sum is another when one of them is. */
  #changesOf(from: readonly Table[]): number {
    let sum = 0
    for (const table of from) sum += this.#changes.get(table)!
    return sum
  }

  #takeInCommits(): void {
    const { own, others } = this.#store.commits
    if (own === this.#commits.own && others === this.#commits.others) return
    const changed = others === this.#commits.others ? this.#changing.keys() : tables
    for (const table of changed) this.#changes.set(table, this.#changes.get(table)! + 1)
    for (const [table, before] of this.#changing) if (before < own) this.#changing.delete(table)
    this.#commits = { own, others }
  }

  /** The same transaction, and what is done in it is noted. */
  #noting(of: Transaction): Transaction {
    if (this.#noted?.of === of) return this.#noted.transaction
    const members = new Map<string, Member>()
    const get = (_: object, name: string) => {
      const member = members.get(name) ?? this.#member(of, name)
      members.set(name, member)
      return member
    }
    const transaction = new Proxy({}, { get }) as Transaction
    this.#noted = { of, transaction }
    return transaction
  }

  #member(of: Transaction, name: string): Member {
    const member = (of[name as keyof Transaction] as Member).bind(of)
    const changed = changes[name as Deed] as readonly Table[] | undefined
    if (changed === undefined) return member
    return (...given) => {
      for (const table of changed) this.#changing.set(table, this.#store.commits.own)
      return member(...given)
    }
  }
}

type Member = (...given: unknown[]) => unknown

interface Current {
  readonly rows: readonly CertificateRow[]
  readonly bySerial: ReadonlyMap<string, CertificateRow>
}
