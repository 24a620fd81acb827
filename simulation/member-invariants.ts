import type { Certificate } from '@datapunk/pki'
import {
  type Config,
  compareDocumentNumbers,
  type DocumentNumber,
  type Member,
  PROBE,
} from '@datapunk/protocol'
import type { ApplyReport } from '../packages/authority/applying/apply.ts'
import type { SimulatedAuthority } from './simulated-authority.ts'
import type { SimulatedPeer } from './simulated-peer.ts'
import { ago, RECOVERY, type Violated } from './violation.ts'

export interface MemberWatch {
  readonly now: () => number
  readonly authority: SimulatedAuthority
  readonly peers: ReadonlyMap<string, SimulatedPeer>
  readonly violated: Violated
  /** Since when a peer could be reached by an authority that can work, and something has happened. */
  readonly reachedSince: (peer: SimulatedPeer, happened: number) => number
}

interface Left {
  readonly at: number
  /** The first bundle without it. */
  readonly bundle: DocumentNumber
}

/**
 * 9. who was taken out of the config is a member for nobody who could be reached since, or has heard of it; its certificates are
 *    revoked; who was put in has a pair, and is a member for whoever could be reached; all as the config says who may call whom.
 */
export class MemberInvariants {
  readonly #watch: MemberWatch
  readonly #left = new Map<string, Left>()
  /** Since when a service is in the config; of those that were in the file at the beginning nothing is said. */
  readonly #wantedSince = new Map<string, number>()
  #config: Config
  /** What the newest bundle was found to say, and of which config. */
  #found: { readonly members: ReadonlyMap<string, Member>; readonly config: Config } | undefined

  constructor(watch: MemberWatch) {
    this.#watch = watch
    this.#config = watch.authority.config
  }

  /** The config file was written. */
  configured(config: Config): void {
    for (const service of config.services.keys()) {
      if (this.#config.services.has(service)) continue
      this.#wantedSince.set(service, this.#watch.now())
      this.#left.delete(service)
    }
    this.#config = config
  }

  /** After a look of the authority that went well. */
  looked(report: ApplyReport, published: ReadonlyMap<string, Member>): void {
    const { authority, now } = this.#watch
    if (report.failed.length > 0 || report.declined.length > 0) return
    this.#checkPublished(published)
    const { store } = authority
    const removed = store.services().filter(({ state }) => state === 'removed')
    for (const { service } of removed) {
      if (!this.#left.has(service)) this.#left.set(service, { at: now(), bundle: store.bundle()! })
      for (const { id } of store.instances().filter((row) => row.service === service))
        for (const { serial } of store.revocableOf(id, now()))
          this.#watch.violated(
            `${service} is no member any more, and its certificate ${serial} is not revoked`,
          )
    }
    for (const peer of this.#watch.peers.values()) this.#checkArrived(peer, report)
  }

  /** What peers of one belief hold for members. */
  checkCamp(members: ReadonlyMap<string, Member>, peers: readonly SimulatedPeer[], at: number): void {
    for (const [service, { at: leftAt, bundle }] of this.#left) {
      if (!members.has(service)) continue
      for (const peer of peers) {
        const hasHeard = compareDocumentNumbers(peer.documents!.bundle.head.number, bundle) >= 0
        if (hasHeard || at - this.#watch.reachedSince(peer, leftAt) > RECOVERY)
          this.#watch.violated(
            `${peer.service} takes ${service} for a member, which left ${ago(at - leftAt)}`,
            at,
          )
      }
    }
  }

  /** Certificates of services that are no members, which nobody may take who does not hold them for members. */
  *leavesOfOthers(members: ReadonlyMap<string, Member>): Iterable<Certificate> {
    for (const service of this.#left.keys()) {
      const leaf = members.has(service) ? undefined : this.#watch.peers.get(service)?.identity?.leaf
      if (leaf !== undefined) yield leaf
    }
  }

  /** The newest bundle says what the config says. What was found so is so until one of the two is another. */
  #checkPublished(members: ReadonlyMap<string, Member>): void {
    if (this.#found?.members === members && this.#found.config === this.#config) return
    const violated: Violated = this.#watch.violated
    for (const service of members.keys())
      if (service !== PROBE && !this.#config.services.has(service))
        violated(`${service} is a member, and is not in the config`)
    for (const { service, allow, dnsNames } of this.#config.services.values()) {
      const member = members.get(service)
      if (member === undefined) violated(`${service} is in the config, and no member`)
      const [wanted, callers] = [allow, member.callers].map((one) => JSON.stringify([one].flat().sort()))
      if (wanted !== callers) violated(`${service} is to be called by ${wanted}, and may be by ${callers}`)
      if (!dnsNames.every((name) => member.dnsNames.includes(name)))
        violated(`${service} is to be ${dnsNames.join(' and ')}, and is ${member.dnsNames.join(' and ')}`)
    }
    this.#found = { members, config: this.#config }
  }

  /** Whoever is in the config, runs and could be reached has a pair, and knows of itself. */
  #checkArrived(peer: SimulatedPeer, { waits }: ApplyReport): void {
    const { service, documents, identity, isDismissed } = peer
    // Names for which a new issuing CA is made come with that.
    if (isDismissed || waits.length > 0) return
    const now = this.#watch.now()
    const since = this.#watch.reachedSince(peer, this.#wantedSince.get(service) ?? 0)
    if (now - since <= RECOVERY) return
    if (identity === undefined || !documents?.bundle.members.has(service))
      this.#watch.violated(`${service} could be reached for ${ago(now - since)}, and has no good pair`)
  }
}
