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
  readTrustStatement,
} from '@datapunk/protocol'
import type { AuthorityEvent } from '../packages/authority/event.ts'
import type { Publication } from '../packages/authority/peers/publication.ts'
import type { CertificateRow, SlotRow } from '../packages/authority/store/contract.ts'
import { Refused } from '../packages/mesh/refusal.ts'
import type { Usage } from '../packages/mesh/usage.ts'
import { type Camp, Camps, campKey, keysOf } from './camps.ts'
import type { FileReader } from './file-reader.ts'
import { LogInvariants } from './log-invariants.ts'
import { MemberInvariants } from './member-invariants.ts'
import { ReaderInvariants } from './reader-invariants.ts'
import { RestoreInvariants } from './restore-invariants.ts'
import { RollInvariants } from './roll-invariants.ts'
import type { SimulatedAuthority } from './simulated-authority.ts'
import type { SimulatedPeer } from './simulated-peer.ts'
import { ago, RECOVERY, type Violated, Violation } from './violation.ts'
import type { World } from './world.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

const ISSUED: ReadonlySet<AuthorityEvent['kind']> = new Set([
  'certificate-issued',
  'issuing-ca-created',
  'root-created',
])

/** Those who believe the same, and what their clocks are off by at least and at most. */
interface Judges {
  readonly camp: Camp
  readonly least: number
  readonly peers: readonly SimulatedPeer[]
}

/** What one peer was when it was looked at last. */
interface Seen {
  key: string
  trust: DocumentNumber
  bundle: DocumentNumber
}

/**
 * What must hold at every step:
 *
 * 1. some valid path exists between every two live peers that may talk;
 * 2. no certificate outlives its issuer, and only an active CA signs;
 * 3. no peer goes back, nor does the authority, and no number is of two documents;
 * 4. no serial is used twice;
 * 5. nothing is trusted that was retired;
 * 6. whoever can be reached gets on: new bundle, new leaf; and no roll-over stands still for ever;
 * 7. no certificate is made for a key that the newest bundle does not name; with 1, nobody who may talk is refused for his key, or because his certificate is not logged;
 * 8. a stolen key is trusted by nobody who can be reached. That waits for nobody, so until two peers have both been reached
 *    since, they need not understand each other. Nor need anybody understand whoever had no pair that was good, and has one again.
 *
 * 9. as `MemberInvariants`;
 * 10. as `RestoreInvariants`; 11. as `ReaderInvariants`; 12. as `LogInvariants`.
 *
 * Live is who runs, and has a bundle that is valid by its own clock and a leaf that has not ended.
 */
export class Invariants {
  readonly #world: World
  readonly #authority: SimulatedAuthority
  readonly #peers: ReadonlyMap<string, SimulatedPeer>
  readonly #camps = new Camps()
  readonly #seen = new Map<string, Seen>()
  readonly #serials = new Set<string>()
  /** Certificates, by serial, that were issued without anybody being waited for, because there was none that was good. */
  readonly #pressed = new Map<string, { readonly at: number; readonly bundle: DocumentNumber }>()
  readonly #retired = new Map<string, number>()
  /** When each stolen key was known to be stolen, by its hash. */
  readonly #stolen = new Map<string, number>()
  /** What was published under each number. */
  readonly #documents = new Map<string, Buffer>()
  /** When each certificate was intended, by its serial. */
  readonly #intended = new Map<string, number>()
  readonly #restores: RestoreInvariants
  readonly readers: ReaderInvariants
  readonly #rolls: RollInvariants
  readonly logs: LogInvariants
  readonly #members: MemberInvariants
  /** Of the newest bundle, and by which digest they were found. */
  #publishedMembers: { readonly of: string; readonly members: ReadonlyMap<string, Member> } | undefined
  #published: { number: DocumentNumber; at: number } | undefined
  #isDirty = true
  /** Until when nothing that was found good ends. */
  #goodUntil = 0
  /** Kept, because whoever calls us may catch everything. */
  #violation: Violation | undefined
  /** Since when the authority has been able to work. */
  healthySince = Number.POSITIVE_INFINITY
  /** How often paths were looked at. */
  looks = 0

  constructor(
    world: World,
    authority: SimulatedAuthority,
    peers: ReadonlyMap<string, SimulatedPeer>,
    readers: ReadonlyMap<string, FileReader>,
  ) {
    this.#world = world
    this.#authority = authority
    this.#peers = peers
    this.#members = new MemberInvariants({
      ...{ now: world.now, authority, peers },
      violated: (what, at) => this.#violated(what, at),
      reachedSince: (peer, happened) => this.#reachedSince(peer, happened),
    })
    const violated: Violated = (what, at) => this.#violated(what, at)
    this.#restores = new RestoreInvariants({ now: world.now, authority, violated })
    this.readers = new ReaderInvariants({
      ...{ now: world.now, authority, readers, violated },
      reachedSince: (of, happened) => this.#reachedSince(of, happened),
    })
    this.logs = new LogInvariants(authority.logs, violated)
    this.#rolls = new RollInvariants({ now: world.now, authority, readers: this.readers, violated })
  }

  /** After every step. @param next until when nothing else happens */
  readonly watch = (next: number): void => {
    if (this.#violation !== undefined) throw this.#violation
    if (this.#isDirty) this.#checkPaths(this.#world.now())
    // Nothing changes until then but the time: a path that ends before ends a moment after this.
    while (this.#goodUntil < next) this.#checkPaths(this.#goodUntil + 1)
  }

  changed(peer: SimulatedPeer): void {
    const { documents, identity, state, id } = peer
    const key = `${state} ${documents && campKey(documents)} ${identity?.leaf.serial}`
    const seen = this.#seen.get(id)
    if (documents === undefined) return
    const now = { key, trust: documents.trust.number, bundle: documents.bundle.head.number }
    if (seen !== undefined) {
      const back =
        compareDocumentNumbers(now.trust, seen.trust) < 0 ||
        compareDocumentNumbers(now.bundle, seen.bundle) < 0
      if (back) this.#violated(`${id} went back, from ${textOf(seen)} to ${textOf(now)}`)
    }
    this.#seen.set(id, now)
    if (seen?.key !== key) this.#isDirty = true
  }

  /** A service has read its files, or has ended. */
  stirred(): void {
    this.#isDirty = true
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
    // What was retired since, or stolen, is on no record that is left: its operator has to say it again.
    const inUse = this.#slots().filter(({ state }) => state !== 'retired' && state !== 'compromised')
    for (const { spkiHash } of whole ? inUse : []) {
      this.#stolen.delete(spkiHash)
      this.#retired.delete(spkiHash)
    }
    this.#restores.wentOn()
  }

  published({ trustStatements, bundle, digest }: Publication): void {
    // Whoever died over it had no time to tell.
    for (const { state, spkiHash, since } of this.#slots())
      if (state === 'compromised' && !this.#stolen.has(spkiHash)) this.#stolen.set(spkiHash, since)
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
    const { kind, detail, at } = event
    this.#restores.event(event)
    this.logs.event(event)
    if (kind === 'key-retired' || kind === 'key-compromised') {
      const slot = this.#slots().find(({ id }) => id === detail.slot)
      const out = kind === 'key-retired' ? this.#retired : this.#stolen
      out.set(slot!.spkiHash, at)
    } else if (ISSUED.has(kind) && 'serial' in detail && detail.serial !== undefined)
      this.#checkCertificate(detail.serial)
  }

  /** After a look of the authority that went well. */
  looked(): void {
    const { store, report } = this.#authority
    if (report === undefined) return
    this.#restores.looked()
    this.readers.looked(this.#restores.revoked)
    const members = this.#membersPublished()
    if (members !== undefined) this.#members.looked(report, members)
    const slots = this.#slots()
    const newest = store.trustStatements().at(-1)
    // 5 What was retired is in no statement any more.
    const retired = slots.filter(({ state }) => state === 'retired' || state === 'compromised')
    const listed = newest === undefined ? [] : keysOf(readTrustStatement(newest.bytes))
    for (const { id, spkiHash } of retired) {
      if (listed.includes(spkiHash)) this.#violated(`${id} is out, and in the newest trust statement`)
    }
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
    this.#serials.add(serial)
    // 2
    const { store } = this.#authority
    const row = store.certificate(serial)
    const issuer = this.#slots().find(({ id }) => id === row?.slot)
    if (row === undefined || issuer === undefined) return
    this.#intended.set(serial, row.intendedAt)
    this.#restores.issued(serial)
    const above = issuer.certificate && parseCertificate(issuer.certificate)
    const { notAfter } = parseCertificate(row.der!)
    if (above !== undefined && notAfter > above.notAfter)
      this.#violated(`${serial} outlives its issuer ${issuer.id}`)
    if (row.profile === 'leaf' && issuer.state !== 'active')
      this.#violated(`${serial} was issued by ${issuer.id}, which is ${issuer.state}`)
    if (row.profile === 'leaf') this.#checkAnnounced(row)
  }

  /** 7 */
  #checkAnnounced({ instance, spkiHash, serial, intendedAt }: CertificateRow): void {
    const { store } = this.#authority
    const row = store.instances().find(({ id }) => id === instance)!
    const section = store
      .bundle()!
      .sections.map((digest) => store.section(digest)!)
      .find(isOfPins)
    const pins = section && parsePins(section).of.get(row.service)
    if (!pins?.has(pinOf(spkiHash)))
      this.#violated(`${serial} was issued to ${instance} for a key that no bundle names`)
    const shown = this.#peers.get(instance!)?.identity?.leaf ?? this.readers.leafOf(instance!)
    const before = shown && store.certificate(shown.serial)
    // Whoever asks by CSR waits for peers as long as `Authority` does, and no longer.
    const isGood = row.place === 'here' && before?.state === 'issued' && before.notAfter > intendedAt
    if (!isGood) this.#pressed.set(serial, { at: intendedAt, bundle: store.bundle()! })
  }

  #isLive(peer: SimulatedPeer, at: number): boolean {
    const { documents, identity, state, service } = peer
    if (state !== 'running' || documents === undefined || identity === undefined) return false
    const now = at + peer.traits.clockOff
    const isIn = now <= peer.expiresAt && documents.bundle.members.has(service)
    return isIn && !this.#hasEnded(peer, at) && !this.#isRevoked(peer, at)
  }

  /** 6 Whoever's leaf was stolen gets another one. */
  #isRevoked(peer: SimulatedPeer, at: number): boolean {
    const { serial } = peer.identity!.leaf
    const { store } = this.#authority
    if (store.certificate(serial)?.state !== 'revoked') return false
    const since = this.#reachedSince(peer, store.revocation(serial)!.at)
    if (at - since > RECOVERY)
      this.#violated(
        `${peer.service} could be reached for ${ago(at - since)}, and its leaf is still a stolen one`,
        at,
      )
    return true
  }

  /** 6 A leaf ends before there is another only where the peer, or the authority, was not to be reached. */
  #hasEnded(peer: SimulatedPeer, at: number): boolean {
    const { leaf } = peer.identity!
    // By the clock of whoever is ahead.
    if (at + this.#authority.config.authority.clockSkew <= leaf.notAfter) return false
    const since = Math.max(peer.reachableSince, this.healthySince)
    if (at - since > RECOVERY)
      this.#violated(`${peer.service} could be reached for ${ago(at - since)}, and its leaf ended`, at)
    return true
  }

  /** 1 and 5 */
  #checkPaths(at: number): void {
    this.looks++
    this.#isDirty = false
    const { clockSkew } = this.#authority.config.authority
    let goodUntil = Number.POSITIVE_INFINITY
    const live: SimulatedPeer[] = []
    const camps = new Map<Camp, { least: number; most: number; peers: SimulatedPeer[] }>()
    for (const peer of this.#peers.values()) {
      if (!this.#isLive(peer, at)) continue
      live.push(peer)
      const { clockOff } = peer.traits
      goodUntil = Math.min(goodUntil, peer.expiresAt - clockOff)
      const camp = this.#camps.of(peer.documents!, clockSkew)
      const group = camps.get(camp) ?? { least: clockOff, most: clockOff, peers: [] }
      camps.set(camp, group)
      group.least = Math.min(group.least, clockOff)
      group.most = Math.max(group.most, clockOff)
      group.peers.push(peer)
    }
    for (const [camp, { least, most, peers }] of camps) {
      this.#checkRetired(camp, at, peers)
      this.#members.checkCamp(camp.view.bundle.members, peers, at)
      for (const leaf of this.#members.leavesOfOthers(camp.view.bundle.members)) {
        if (!(camp.judge(leaf, 'clientAuth', at + least) instanceof Refused))
          this.#violated(`${peers[0]!.service} takes ${leaf.serial}, which is no member's`, at)
      }
      for (const shown of live) {
        if (!camp.view.bundle.members.has(shown.service)) continue
        for (const usage of ['serverAuth', 'clientAuth'] as const) {
          for (const off of least === most ? [least] : [least, most]) {
            const found = camp.judge(shown.identity!.leaf, usage, at + off)
            if (found instanceof Refused) this.#checkMayTalk(shown, usage, peers, found, at)
            else goodUntil = Math.min(goodUntil, found.notAfter - clockSkew)
          }
        }
      }
    }
    goodUntil = Math.min(
      goodUntil,
      this.#checkReaders(
        at,
        live,
        [...camps.keys()].map((camp) => ({ camp, ...camps.get(camp)! })),
      ),
    )
    this.#goodUntil = Math.max(at, goodUntil)
  }

  /** 11 Peers take readers, and readers take peers. @returns until when all that was found good is so */
  #checkReaders(at: number, live: readonly SimulatedPeer[], camps: readonly Judges[]): number {
    const { clockSkew } = this.#authority.config.authority
    const upheaval = Math.max(this.#restores.wentOnAt, ...this.#stolen.values())
    let goodUntil = Number.POSITIVE_INFINITY
    for (const reader of this.readers.live(at)) {
      const { leaf, service } = reader
      goodUntil = Math.min(goodUntil, leaf!.notAfter - clockSkew)
      const isOfBefore = Math.min(reader.read!.at, this.#intended.get(leaf!.serial)!) <= upheaval
      const isOfFork = this.#restores.isForked(leaf!.serial)
      if ((isOfBefore || isOfFork) && at - this.#reachedSince(reader, upheaval) <= RECOVERY) continue
      for (const { camp, least, peers } of camps) {
        if (!camp.view.bundle.members.has(service)) continue
        const found = camp.judge(leaf!, 'serverAuth', at + least)
        if (found instanceof Refused) this.#checkMayRefuse(reader, peers, found, at)
      }
      for (const peer of live) {
        if (this.#hasNotHeard(peer, upheaval, at)) continue
        const found = this.readers.judge(reader, peer, at)
        if (typeof found === 'number') goodUntil = Math.min(goodUntil, found - clockSkew)
        else this.#violated(`${service} refuses ${peer.service} (${textOfPeer(peer)}): ${found}`, at)
      }
    }
    return goodUntil
  }

  #checkMayRefuse(
    { service, leaf }: FileReader,
    judges: readonly SimulatedPeer[],
    { rule, message }: Refused,
    at: number,
  ): void {
    const upheaval = Math.max(this.#restores.wentOnAt, ...this.#stolen.values())
    const pressed = this.#pressed.get(leaf!.serial)
    for (const judge of judges) {
      if (this.#hasNotHeard(judge, upheaval, at)) continue
      const isPressed = pressed !== undefined && judge.isBehind(pressed.bundle)
      if (isPressed && at - this.#reachedSince(judge, pressed.at) <= RECOVERY) continue
      this.#violated(`${judge.service} (${textOfPeer(judge)}) refuses ${service}, ${rule}: ${message}`, at)
    }
  }

  /** Somebody in this camp refuses a leaf: that is as it should be only where nobody in it may talk to whose it is. */
  #checkMayTalk(
    shown: SimulatedPeer,
    usage: Usage,
    judges: readonly SimulatedPeer[],
    refused: Refused,
    at: number,
  ): void {
    const upheaval = Math.max(this.#restores.wentOnAt, ...this.#stolen.values())
    const pressed = this.#pressed.get(shown.identity!.leaf.serial)
    for (const judge of judges) {
      if (judge === shown) continue
      if ([judge, shown].some((peer) => this.#hasNotHeard(peer, upheaval, at))) continue
      const isPressed = pressed !== undefined && judge.isBehind(pressed.bundle)
      if (isPressed && at - this.#reachedSince(judge, pressed.at) <= RECOVERY) continue
      const [caller, callee] = usage === 'clientAuth' ? [shown, judge] : [judge, shown]
      const callers = callee.documents!.bundle.members.get(callee.service)?.callers ?? []
      if (callers !== 'members' && !callers.includes(caller.service)) continue
      if (!callee.documents!.bundle.members.has(caller.service)) continue
      this.#violated(
        `${judge.service} (${textOfPeer(judge)}) refuses ${shown.service} (${textOfPeer(shown)}), ${refused.rule}: ${refused.message}`,
        at,
      )
    }
  }

  /** Whether a peer goes by what was so before something happened that waited for nobody, and could not know better yet. */
  #hasNotHeard(peer: SimulatedPeer, happened: number, at: number): boolean {
    const { leaf } = peer.identity!
    const { bundle } = peer.documents!
    const shownSince = this.#intended.get(leaf.serial)!
    const isOfBefore = Math.min(bundle.head.issuedAt, shownSince) <= happened
    const isOfFork = this.#restores.isForked(bundle.digest) || this.#restores.isForked(leaf.serial)
    return (isOfBefore || isOfFork) && at - this.#reachedSince(peer, happened) <= RECOVERY
  }

  #checkRetired({ keys }: Camp, at: number, peers: readonly SimulatedPeer[]): void {
    const { bundleDays, clockSkew } = this.#authority.config.authority
    for (const key of keys) {
      // 8
      const stolenAt = this.#stolen.get(key)
      for (const peer of stolenAt === undefined ? [] : peers) {
        if (at - this.#reachedSince(peer, stolenAt!) > RECOVERY)
          this.#violated(`${peer.service} trusts a key that was stolen ${ago(at - stolenAt!)}`, at)
      }
      const retiredAt = this.#retired.get(key)
      // Whoever was not told trusts it until its bundle ends.
      if (retiredAt === undefined || at - retiredAt <= bundleDays * DAY + 2 * clockSkew + RECOVERY) continue
      const names = peers.map(({ service }) => service).join(', ')
      this.#violated(`${names} trust a key that was retired ${ago(at - retiredAt)}`, at)
    }
  }

  /** Since when a peer could be reached by an authority that can work, and something has happened. */
  #reachedSince({ reachableSince }: { readonly reachableSince: number }, happened: number): number {
    return Math.max(reachableSince, this.healthySince, happened)
  }

  #violated(what: string, at = this.#world.now()): never {
    this.#violation ??= new Violation(`${new Date(at).toISOString()}, step ${this.#world.steps}: ${what}`)
    throw this.#violation
  }
}

function isOfPins(section: Uint8Array): boolean {
  return Buffer.from(section.buffer, section.byteOffset, section.byteLength).indexOf('"pins":{') !== -1
}

function textOf({ trust, bundle }: Seen): string {
  return `trust statement ${formatDocumentNumber(trust)}, bundle ${formatDocumentNumber(bundle)}`
}

function textOfPeer({ documents, identity, isConnected, isCutOff }: SimulatedPeer): string {
  const { trust, bundle } = documents!
  const numbers = textOf({ key: '', trust: trust.number, bundle: bundle.head.number })
  const issuer = identity?.leaf.issuer
  return `${numbers}, leaf by ${issuer}${isConnected ? '' : ', no stream'}${isCutOff ? ', cut off' : ''}`
}
