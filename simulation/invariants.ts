import { hash } from 'node:crypto'
import { parseCertificate } from '@datapunk/pki'
import {
  type Config,
  compareDocumentNumbers,
  type DocumentNumber,
  formatDocumentNumber,
  type Member,
  parseMembers,
  parsePins,
  pinOf,
  readBundleHead,
} from '@datapunk/protocol'
import type { AuthorityEvent } from '../packages/authority/events/event.ts'
import type { Publication } from '../packages/authority/peers/publication.ts'
import type { CertificateRow, SlotRow } from '../packages/authority/store/rows.ts'
import { campKey } from './camps.ts'
import type { FileReader } from './file-reader.ts'
import { KeyInvariants } from './key-invariants.ts'
import { LogInvariants } from './log-invariants.ts'
import { MemberInvariants } from './member-invariants.ts'
import { PathInvariants, textOfNumbers } from './path-invariants.ts'
import { ReaderInvariants } from './reader-invariants.ts'
import { RestoreInvariants } from './restore-invariants.ts'
import { RollInvariants } from './roll-invariants.ts'
import type { SimulatedAuthority } from './simulated-authority.ts'
import type { SimulatedPeer } from './simulated-peer.ts'
import { ago, RECOVERY, type Violated, Violation } from './violation.ts'
import type { World } from './world.ts'

const ISSUED: ReadonlySet<AuthorityEvent['kind']> = new Set([
  'certificate-issued',
  'issuing-ca-created',
  'root-created',
])

/** What one peer was when it was looked at last. */
interface Seen {
  key: string
  /** Of its leaf. */
  serial: string | undefined
  trust: DocumentNumber
  bundle: DocumentNumber
}

/**
 * What must hold at every step:
 *
 * 1. as `PathInvariants`;
 * 2. no certificate outlives its issuer, and only an active CA signs;
 * 3. no peer goes back, nor does the authority, and no number is of two documents;
 * 4. no serial is used twice;
 * 5. and 8. as `KeyInvariants`;
 * 6. whoever can be reached gets on: new bundle, and as `PathInvariants` and `RollInvariants`;
 * 7. no certificate is made for a key that the newest bundle does not name;
 * 9. as `MemberInvariants`; 10. as `RestoreInvariants`; 11. as `ReaderInvariants`; 12. as `LogInvariants`.
 */
export class Invariants {
  readonly #world: World
  readonly #authority: SimulatedAuthority
  readonly #peers: ReadonlyMap<string, SimulatedPeer>
  readonly #seen = new Map<string, Seen>()
  readonly #serials = new Set<string>()
  /** What was published under each number. */
  readonly #documents = new Map<string, Buffer>()
  readonly #keys: KeyInvariants
  readonly #paths: PathInvariants
  readonly #restores: RestoreInvariants
  readonly readers: ReaderInvariants
  readonly #rolls: RollInvariants
  readonly logs: LogInvariants
  readonly #members: MemberInvariants
  /** Of the newest bundle, and by which digest they were found. */
  #publishedMembers: { readonly of: string; readonly members: ReadonlyMap<string, Member> } | undefined
  #published: { number: DocumentNumber; at: number } | undefined
  /** Kept, because whoever calls us may catch everything. */
  #violation: Violation | undefined
  /** Since when the authority has been able to work. */
  healthySince = Number.POSITIVE_INFINITY

  constructor(
    world: World,
    authority: SimulatedAuthority,
    peers: ReadonlyMap<string, SimulatedPeer>,
    readers: ReadonlyMap<string, FileReader>,
  ) {
    this.#world = world
    this.#authority = authority
    this.#peers = peers
    const violated: Violated = (what, at) => this.#violated(what, at)
    const reachedSince = (of: { readonly reachableSince: number }, happened: number) =>
      Math.max(of.reachableSince, this.healthySince, happened)
    const { now } = world
    this.#keys = new KeyInvariants({ authority, violated, reachedSince })
    this.#members = new MemberInvariants({ now, authority, peers, violated, reachedSince })
    this.#restores = new RestoreInvariants({ now, authority, violated })
    this.readers = new ReaderInvariants({ now, authority, readers, violated, reachedSince })
    this.logs = new LogInvariants(authority.logs, violated)
    this.#rolls = new RollInvariants({ now, authority, readers: this.readers, violated })
    this.#paths = new PathInvariants({
      ...{ authority, peers, violated, reachedSince },
      ...{ keys: this.#keys, members: this.#members, readers: this.readers, restores: this.#restores },
    })
  }

  /** After every step. @param next until when nothing else happens */
  readonly watch = (next: number): void => {
    if (this.#violation !== undefined) throw this.#violation
    this.#paths.watch(this.#world.now(), next)
  }

  /** How often paths were looked at. */
  get looks(): number {
    return this.#paths.looks
  }

  changed(peer: SimulatedPeer): void {
    const { documents, identity, state, id } = peer
    const serial = identity?.leaf.serial
    const key = `${state} ${documents && campKey(documents)} ${serial}`
    const seen = this.#seen.get(id)
    if (documents === undefined) return
    const now = { key, serial, trust: documents.trust.number, bundle: documents.bundle.head.number }
    // Whoever died over it had no time to tell.
    if (serial !== undefined && !this.#serials.has(serial)) this.#learn(serial, seen?.serial)
    if (seen !== undefined) {
      const back =
        compareDocumentNumbers(now.trust, seen.trust) < 0 ||
        compareDocumentNumbers(now.bundle, seen.bundle) < 0
      if (back)
        this.#violated(
          `${id} went back, from ${textOfNumbers(seen.trust, seen.bundle)} to ${textOfNumbers(now.trust, now.bundle)}`,
        )
    }
    this.#seen.set(id, now)
    if (seen?.key !== key) this.#paths.stirred()
  }

  /** A service has read its files, or has ended. */
  stirred(): void {
    this.#paths.stirred()
  }

  /** The config file was written. */
  configured(config: Config): void {
    this.#members.configured(config)
  }

  /** The inventory is older than what was published. @param whole and so are the files */
  fellBehind(whole: boolean): void {
    this.#restores.fellBehind(whole)
  }

  /** The inventory is the newest again. @param whole as `fellBehind` */
  wentOn(whole: boolean): void {
    if (whole) this.#keys.forgotten()
    this.#restores.wentOn()
  }

  published({ trustStatements, bundle, digest }: Publication): void {
    this.#keys.published()
    this.#restores.published(digest!)
    if (this.#restores.isBehind) return
    // 3 Numbers and their documents.
    const newest = trustStatements.at(-1)!
    this.#once('trust statement', newest, newest.bytes)
    this.#once('bundle', bundle!, bundle!.head)
    const before = this.#published
    if (before !== undefined && compareDocumentNumbers(bundle!, before.number) < 0)
      this.#violated(
        `bundle ${formatDocumentNumber(bundle!)} was published after ${formatDocumentNumber(before.number)}`,
      )
    // 6 The one before has come to whoever could be reached.
    const now = this.#world.now()
    if (before !== undefined && now - before.at > RECOVERY) {
      for (const peer of this.#peers.values()) {
        if (
          Math.max(peer.reachableSince, this.#restores.wentOnAt) < before.at &&
          peer.isBehind(before.number)
        )
          this.#violated(
            `${peer.service} has not got bundle ${formatDocumentNumber(before.number)}, published ${ago(now - before.at)}`,
          )
      }
    }
    this.#published = { number: { generation: bundle!.generation, counter: bundle!.counter }, at: now }
  }

  event(event: AuthorityEvent): void {
    const { kind, detail } = event
    this.#restores.event(event)
    this.logs.event(event)
    this.#keys.event(event)
    if (ISSUED.has(kind) && 'serial' in detail && detail.serial !== undefined)
      this.#checkCertificate(detail.serial)
  }

  /** After a look of the authority that went well. */
  looked(): void {
    const { report } = this.#authority
    if (report === undefined) return
    this.#restores.looked()
    this.readers.looked(this.#restores.revoked)
    const members = this.#membersPublished()
    if (members !== undefined) this.#members.looked(report, members)
    this.#keys.looked()
    this.#rolls.looked(report, this.healthySince)
  }

  #membersPublished(): ReadonlyMap<string, Member> | undefined {
    const { store } = this.#authority
    const bundle = store.bundle()
    if (bundle === undefined) return undefined
    const of = readBundleHead(bundle.head).head.sections.find(({ kind }) => kind === 'members')!.digest
    if (this.#publishedMembers?.of === of) return this.#publishedMembers.members
    const members = new Map(parseMembers(store.section(of)!).map((member) => [member.service, member]))
    this.#publishedMembers = { of, members }
    return members
  }

  #slots(): readonly SlotRow[] {
    return this.#authority.store.slots()
  }

  #once(what: string, number: DocumentNumber, bytes: Uint8Array): void {
    const name = `${what} ${formatDocumentNumber(number)}`
    const digest = hash('sha256', bytes, 'buffer')
    const known = this.#documents.get(name)
    if (known !== undefined && !known.equals(digest)) this.#violated(`there are two of ${name}`)
    this.#documents.set(name, digest)
  }

  #checkCertificate(serial: string): void {
    // 4
    if (this.#serials.has(serial)) this.#violated(`serial ${serial} was used twice`)
    const { instance } = this.#authority.store.certificate(serial) ?? {}
    const shown = this.#peers.get(instance ?? '')?.identity?.leaf ?? this.readers.leafOf(instance ?? '')
    const row = this.#learn(serial, shown?.serial)
    const issuer = this.#slots().find(({ id }) => id === row?.slot)
    if (row === undefined || issuer === undefined) return
    // 2
    const above = issuer.certificate && parseCertificate(issuer.certificate)
    const { notAfter } = parseCertificate(row.der!)
    if (above !== undefined && notAfter > above.notAfter)
      this.#violated(`${serial} outlives its issuer ${issuer.id}`)
    if (row.profile === 'leaf' && issuer.state !== 'active')
      this.#violated(`${serial} was issued by ${issuer.id}, which is ${issuer.state}`)
    if (row.profile === 'leaf') this.#checkAnnounced(row)
  }

  /** 7 */
  #checkAnnounced({ instance, spkiHash, serial }: CertificateRow): void {
    const { store } = this.#authority
    const row = store.instances().find(({ id }) => id === instance)!
    const section = store
      .bundle()!
      .sections.map((digest) => store.section(digest)!)
      .find(isOfPins)
    const pins = section && parsePins(section).of.get(row.service)
    if (!pins?.has(pinOf(spkiHash)))
      this.#violated(`${serial} was issued to ${instance} for a key that no bundle names`)
  }

  /** A certificate that was issued. @param shown serial of what its instance has shown until then */
  #learn(serial: string, shown: string | undefined): CertificateRow | undefined {
    const { store } = this.#authority
    this.#serials.add(serial)
    const row = store.certificate(serial)
    if (row === undefined) return undefined
    this.#paths.intended(serial, row.intendedAt)
    this.#restores.issued(serial)
    const before = shown === undefined ? undefined : store.certificate(shown)
    const isHere = store.instances().find(({ id }) => id === row.instance)?.place === 'here'
    // Whoever asks by CSR waits for peers as long as `Authority` does, and no longer.
    const isGood = isHere && before?.state === 'issued' && before.notAfter > row.intendedAt
    if (row.profile === 'leaf' && !isGood) this.#paths.pressed(serial, row.intendedAt, store.bundle()!)
    return row
  }

  #violated(what: string, at = this.#world.now()): never {
    this.#violation ??= new Violation(`${new Date(at).toISOString()}, step ${this.#world.steps}: ${what}`)
    throw this.#violation
  }
}

function isOfPins(section: Uint8Array): boolean {
  return Buffer.from(section.buffer, section.byteOffset, section.byteLength).indexOf('"pins":{') !== -1
}
