import type {
  CertificateProfile,
  RevokedAfter,
  Store,
  Transaction,
} from '../packages/authority/store/contract.ts'
import { type Fate, MemoryStore } from '../packages/authority/store/memory.ts'

type Deed = Exclude<keyof Transaction, keyof Store>

/** Which answers a deed makes outdated. */
const touches: Readonly<Record<Deed, string | readonly string[]>> = {
  createMesh: 'mesh',
  changeMesh: 'mesh',
  putSlot: 'slots',
  putService: ['services', 'pins'],
  putInstance: ['instances', 'pins'],
  recordIntent: 'certificates',
  recordIssued: ['certificates', 'next keys', 'pins'],
  makeCurrent: 'certificates',
  abandonIntent: 'certificates',
  revoke: ['certificates', 'pins'],
  putList: 'lists',
  putAcknowledgement: 'acknowledgements',
  putDelivery: 'deliveries',
  putAttempt: 'attempts',
  forgetAttempt: 'attempts',
  putNextKey: ['next keys', 'pins'],
  forgetNextKey: ['next keys', 'pins'],
  announceNextKeys: 'next keys',
  putPinning: 'pinning',
  addTrustStatement: 'trust statements',
  addBundle: 'bundles',
  addAudit: 'audit',
  addAuditCheckpoint: 'audit',
}

/**
 * The memory store, which copies every row for whoever reads it; here once for all readers, until a commit that touches its
 * table.
 */
export class CommittedStore implements Store {
  readonly #store: MemoryStore
  readonly #answers = new Map<string, Map<string, unknown>>()
  readonly #touched = new Set<string>()
  #tables: Transaction | undefined
  #recording: Transaction | undefined

  /**
   * @param fate what becomes of a commit
   * @param rows what it holds at first: that of another, of which it is a copy
   */
  constructor(fate: () => Fate, rows?: CommittedStore) {
    const commit = () => {
      for (const table of this.#touched) this.#answers.delete(table)
      this.#touched.clear()
      return fate()
    }
    this.#store = new MemoryStore({ commit, ...(rows && { rows: rows.#store }) })
  }

  write<T>(work: (transaction: Transaction) => T): Promise<T> {
    return this.#store.write((transaction) => work(this.#recorded(transaction)))
  }

  close(): void {
    this.#store.close()
  }

  mesh = () => this.#once('mesh', '', this.#reader.mesh)
  slots = () => this.#once('slots', '', this.#reader.slots)
  services = () => this.#once('services', '', this.#reader.services)
  instances = () => this.#once('instances', '', this.#reader.instances)
  currentCertificates = () => this.#once('certificates', 'current', this.#reader.currentCertificates)
  terms = () => this.#store.terms()
  certificate = (serial: string) => this.#once('certificates', serial, () => this.#store.certificate(serial))
  liveCertificates = (after: number) => {
    // Time goes on: what is live later was live before.
    const read = () => ({ after, rows: this.#store.liveCertificates(after) })
    const known = this.#once('certificates', 'live', read)
    const { rows } = known.after <= after ? known : read()
    return rows.filter(({ notAfter }) => notAfter > after)
  }
  revocableOf = (instance: string, after: number) => this.#store.revocableOf(instance, after)
  certificatesOf = (instance: string, limit: number) => this.#store.certificatesOf(instance, limit)
  certificatesFrom = (serial: string) => this.#store.certificatesFrom(serial)
  isSerialPrefixUsed = (prefix: string) => this.#store.isSerialPrefixUsed(prefix)
  revocation = (serial: string) => this.#store.revocation(serial)
  revoked = (which: RevokedAfter) => this.#store.revoked(which)
  lastRevocationOf = (slot: string) =>
    this.#once('certificates', `last revocation ${slot}`, () => this.#store.lastRevocationOf(slot))
  lists = () => this.#once('lists', '', this.#reader.lists)
  list = (slot: string, scope: string) => this.#store.list(slot, scope)
  issuedOf = (profile: CertificateProfile) =>
    this.#once('certificates', profile, () => this.#store.issuedOf(profile))
  trustStatements = () => this.#once('trust statements', '', this.#reader.trustStatements)
  bundle = () => this.#once('bundles', '', this.#reader.bundle)
  section = (digest: string) => this.#once('bundles', digest, () => this.#store.section(digest))
  acknowledgements = () => this.#once('acknowledgements', '', this.#reader.acknowledgements)
  deliveries = () => this.#once('deliveries', '', this.#reader.deliveries)
  attempts = () => this.#once('attempts', '', this.#reader.attempts)
  nextKeys = () => this.#once('next keys', '', this.#reader.nextKeys)
  pinnedKeys = (after: number) => this.#once('pins', `${after}`, () => this.#store.pinnedKeys(after))
  pinning = () => this.#once('pinning', '', this.#reader.pinning)
  audit = (after: number, limit: number) => this.#store.audit(after, limit)
  auditRecords = (after: number) => this.#store.auditRecords(after)
  auditTree = () => this.#once('audit', 'tree', () => this.#store.auditTree())
  auditCheckpoints = () => this.#store.auditCheckpoints()

  get #reader(): MemoryStore {
    return this.#store
  }

  #once<T>(table: string, name: string, read: () => T): T {
    const answers = this.#answers.get(table) ?? new Map<string, unknown>()
    this.#answers.set(table, answers)
    if (answers.has(name)) return answers.get(name) as T
    const answer = read()
    answers.set(name, answer)
    return answer
  }

  /** The same tables, and what is done to them is noted. */
  #recorded(tables: Transaction): Transaction {
    if (this.#recording !== undefined && this.#tables === tables) return this.#recording
    this.#tables = tables
    const members: Record<string, Member> = {}
    const get = (_: object, name: string) => (members[name] ??= this.#memberOf(tables, name))
    this.#recording = new Proxy({}, { get }) as Transaction
    return this.#recording
  }

  #memberOf(tables: Transaction, name: string): Member {
    const member = (tables[name as keyof Transaction] as Member).bind(tables)
    const outdated = touches[name as Deed]
    if (outdated === undefined) return member
    return (...given) => {
      for (const table of [outdated].flat()) this.#touched.add(table)
      return member(...given)
    }
  }
}

type Member = (...given: unknown[]) => unknown
