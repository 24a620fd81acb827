import type { Usage } from '@datapunk/pki'
import { type DocumentNumber, formatDocumentNumber } from '@datapunk/protocol'
import { Refused } from '../packages/mesh/refusal.ts'
import { type Camp, Camps } from './camps.ts'
import type { FileReader, Trusted } from './file-reader.ts'
import type { KeyInvariants } from './key-invariants.ts'
import type { MemberInvariants } from './member-invariants.ts'
import type { ReaderInvariants } from './reader-invariants.ts'
import type { RestoreInvariants } from './restore-invariants.ts'
import type { SimulatedAuthority } from './simulated-authority.ts'
import type { SimulatedPeer } from './simulated-peer.ts'
import { ago, RECOVERY, type Violated } from './violation.ts'

export interface PathWatched {
  readonly authority: SimulatedAuthority
  readonly peers: ReadonlyMap<string, SimulatedPeer>
  readonly keys: KeyInvariants
  readonly members: MemberInvariants
  readonly readers: ReaderInvariants
  readonly restores: RestoreInvariants
  readonly violated: Violated
  /** Since when somebody could be reached by an authority that can work, and something has happened. */
  readonly reachedSince: (of: { readonly reachableSince: number }, happened: number) => number
}

/** Those who believe the same, and what their clocks are off by at least and at most. */
interface Judges {
  readonly camp: Camp
  readonly least: number
  readonly peers: readonly SimulatedPeer[]
}

/**
 * 1. some valid path exists between every two live peers that may talk, and nobody who may talk is refused for his key, or
 *    because his certificate is not logged; whoever can be reached has a leaf that is good (6). As long as a theft, or an
 *    inventory put back, has not come to both of two peers, they need not understand each other, because that waits for nobody.
 *    Nor need anybody understand whoever had no pair that was good, and has one again.
 *
 * Live is who runs, and has a bundle that is valid by its own clock and a leaf that has not ended.
 */
export class PathInvariants {
  readonly #watched: PathWatched
  readonly #camps = new Camps()
  /** Certificates, by serial, that were issued without anybody being waited for, because there was none that was good. */
  readonly #pressed = new Map<string, { readonly at: number; readonly bundle: DocumentNumber }>()
  /** When each certificate was intended, by its serial. */
  readonly #intended = new Map<string, number>()
  #isDirty = true
  /** Until when nothing that was found good ends. */
  #goodUntil = 0
  /** How often paths were looked at. */
  looks = 0

  constructor(watched: PathWatched) {
    this.#watched = watched
  }

  /** Somebody believes, shows or is something else. */
  stirred(): void {
    this.#isDirty = true
  }

  /** @param at milliseconds since the epoch */
  intended(serial: string, at: number): void {
    this.#intended.set(serial, at)
  }

  /** It was issued without anybody being waited for. @param bundle the first that names its key */
  pressed(serial: string, at: number, bundle: DocumentNumber): void {
    this.#pressed.set(serial, { at, bundle })
  }

  /** After every step. @param next until when nothing else happens */
  watch(now: number, next: number): void {
    if (this.#isDirty) this.#checkPaths(now)
    // Nothing changes until then but the time: a path that ends before ends a moment after this.
    while (this.#goodUntil < next) this.#checkPaths(this.#goodUntil + 1)
  }

  /** When something happened last that waits for nobody. */
  get #upheaval(): number {
    return Math.max(this.#watched.restores.wentOnAt, this.#watched.keys.lastTheft)
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
    const { store } = this.#watched.authority
    if (store.certificate(serial)?.state !== 'revoked') return false
    const since = this.#watched.reachedSince(peer, store.revocation(serial)!.at)
    if (at - since > RECOVERY)
      this.#watched.violated(
        `${peer.service} could be reached for ${ago(at - since)}, and its leaf is still a stolen one`,
        at,
      )
    return true
  }

  /** 6 A leaf ends before there is another only where the peer, or the authority, was not to be reached. */
  #hasEnded(peer: SimulatedPeer, at: number): boolean {
    const { leaf } = peer.identity!
    // By the clock of whoever is ahead.
    if (at + this.#watched.authority.config.authority.clockSkew <= leaf.notAfter) return false
    const since = this.#watched.reachedSince(peer, 0)
    if (at - since > RECOVERY)
      this.#watched.violated(
        `${peer.service} could be reached for ${ago(at - since)}, and its leaf ended`,
        at,
      )
    return true
  }

  #checkPaths(at: number): void {
    this.looks++
    this.#isDirty = false
    const { clockSkew } = this.#watched.authority.config.authority
    let goodUntil = Number.POSITIVE_INFINITY
    const live: SimulatedPeer[] = []
    const camps = new Map<Camp, { least: number; most: number; peers: SimulatedPeer[] }>()
    for (const peer of this.#watched.peers.values()) {
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
      this.#watched.keys.checkCamp(camp, peers, at)
      this.#watched.members.checkCamp(camp.view.bundle.members, peers, at)
      for (const leaf of this.#watched.members.leavesOfOthers(camp.view.bundle.members)) {
        if (!(camp.judge(leaf, 'clientAuth', at + least) instanceof Refused))
          this.#watched.violated(`${peers[0]!.service} takes ${leaf.serial}, which is no member's`, at)
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
    const { clockSkew } = this.#watched.authority.config.authority
    const upheaval = this.#upheaval
    const judges: FileReader[] = []
    let goodUntil = Number.POSITIVE_INFINITY
    for (const reader of this.#watched.readers.live(at)) {
      const { leaf, service } = reader
      goodUntil = Math.min(goodUntil, leaf!.notAfter - clockSkew)
      // It believes what lies there: nobody but a peer can tell that it was put back.
      if (this.#watched.restores.isPutBack(reader.read!.at)) continue
      const isOfBefore = Math.min(reader.read!.at, this.#intended.get(leaf!.serial)!) <= upheaval
      const isOfFork = this.#watched.restores.isForked(leaf!.serial)
      if ((isOfBefore || isOfFork) && at - this.#watched.reachedSince(reader, upheaval) <= RECOVERY) continue
      for (const { camp, least, peers } of camps) {
        if (!camp.view.bundle.members.has(service)) continue
        const found = camp.judge(leaf!, 'serverAuth', at + least)
        if (found instanceof Refused) this.#checkMayRefuse(reader, peers, found, at)
      }
      if (!judges.some(({ read }) => judgesAlike(read!, reader.read!))) judges.push(reader)
    }
    if (judges.length === 0) return goodUntil
    for (const peer of live) {
      if (this.#hasNotHeard(peer, upheaval, at)) continue
      for (const { service, read } of judges) {
        const found = this.#watched.readers.judge(read!, peer, at)
        if (typeof found === 'number') goodUntil = Math.min(goodUntil, found - clockSkew)
        else this.#watched.violated(`${service} refuses ${peer.service} (${textOfPeer(peer)}): ${found}`, at)
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
    const upheaval = this.#upheaval
    const pressed = this.#pressed.get(leaf!.serial)
    for (const judge of judges) {
      if (this.#hasNotHeard(judge, upheaval, at)) continue
      const isPressed = pressed !== undefined && judge.isBehind(pressed.bundle)
      if (isPressed && at - this.#watched.reachedSince(judge, pressed.at) <= RECOVERY) continue
      this.#watched.violated(
        `${judge.service} (${textOfPeer(judge)}) refuses ${service}, ${rule}: ${message}`,
        at,
      )
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
    const upheaval = this.#upheaval
    const pressed = this.#pressed.get(shown.identity!.leaf.serial)
    for (const judge of judges) {
      if (judge === shown) continue
      if ([judge, shown].some((peer) => this.#hasNotHeard(peer, upheaval, at))) continue
      const isPressed = pressed !== undefined && judge.isBehind(pressed.bundle)
      if (isPressed && at - this.#watched.reachedSince(judge, pressed.at) <= RECOVERY) continue
      const [caller, callee] = usage === 'clientAuth' ? [shown, judge] : [judge, shown]
      const callers = callee.documents!.bundle.members.get(callee.service)?.callers ?? []
      if (callers !== 'members' && !callers.includes(caller.service)) continue
      if (!callee.documents!.bundle.members.has(caller.service)) continue
      this.#watched.violated(
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
    const isOfFork =
      this.#watched.restores.isForked(bundle.digest) || this.#watched.restores.isForked(leaf.serial)
    return (isOfBefore || isOfFork) && at - this.#watched.reachedSince(peer, happened) <= RECOVERY
  }
}

function judgesAlike(one: Trusted, other: Trusted): boolean {
  return one.roots === other.roots && one.revoked === other.revoked
}

function textOfPeer({ documents, identity, isConnected, isCutOff }: SimulatedPeer): string {
  const { trust, bundle } = documents!
  const numbers = textOfNumbers(trust.number, bundle.head.number)
  const issuer = identity?.leaf.issuer
  return `${numbers}, leaf by ${issuer}${isConnected ? '' : ', no stream'}${isCutOff ? ', cut off' : ''}`
}

export function textOfNumbers(trust: DocumentNumber, bundle: DocumentNumber): string {
  return `trust statement ${formatDocumentNumber(trust)}, bundle ${formatDocumentNumber(bundle)}`
}
