import { compareDocumentNumbers, type DocumentNumber, type ServiceConfig } from '@datapunk/protocol'
import type { Publication } from '../packages/authority/peers/publication.ts'
import type { AcknowledgementRow } from '../packages/authority/store/rows.ts'
import type { FetchSection, OfferedDocument } from '../packages/mesh/authority/offered-documents.ts'
import type { MeshDocuments } from '../packages/mesh/files/mesh-files.ts'
import { type Identity, identityOf } from '../packages/mesh/gate/identity.ts'
import { MeshView } from '../packages/mesh/gate/view.ts'
import type { Beliefs } from './beliefs.ts'
import type { Draw } from './draw.ts'
import { meshFolder } from './mesh-folder.ts'
import { type PairSource, pairOnDisk } from './pair-source.ts'
import { type SimulatedAuthority, unsent } from './simulated-authority.ts'
import type { World } from './world.ts'

const SECOND = 1000

/** As `AuthorityLink`. */
const LONGEST_WAIT = 10 * SECOND

/** As `Membership` polls. */
const LOOK_AGAIN = 60 * SECOND

const NOTHING: DocumentNumber = { generation: 0, counter: 0 }

export interface PeerTraits {
  /** Its name among all peers. */
  readonly id: string
  /** What its clock is off by, milliseconds. */
  readonly clockOff: number
  /** How long what is sent to it, or lies on its disk, takes to be taken up: usually, and at worst. Milliseconds. */
  readonly lag: number
  readonly worstLag: number
}

export interface PeerWatch {
  /** Its beliefs, its pair, or whether it lives have changed. */
  changed(peer: SimulatedPeer): void
  /** It did not believe something, or its pair is not good. */
  refused(peer: SimulatedPeer, error: Error): void
}

interface Judged extends MeshDocuments {
  readonly pair: string
  readonly identity: Identity
}

function judgesAlike(one: MeshDocuments, other: MeshDocuments): boolean {
  const [a, b] = [one.bundle, other.bundle]
  return one.trust === other.trust && a.members === b.members && a.pins === b.pins && a.revoked === b.revoked
}

/**
 * A service with the mesh library in it, less the sockets: it believes documents, takes up its pair, and acknowledges by the
 * same code and in the same order as `Membership` and `PeerVoice` do.
 */
export class SimulatedPeer {
  readonly service: string
  readonly traits: PeerTraits
  state: 'running' | 'asleep' | 'stopped' = 'stopped'
  /** Neither files nor the authority can be reached until then. */
  cutOffUntil = 0
  documents: MeshDocuments | undefined
  identity: Identity | undefined
  /** Since when it has been running, with nothing between it and the authority's machine. */
  reachableSince = Number.POSITIVE_INFINITY
  #pair = ''
  #kept: MeshDocuments | undefined
  /** The pair that was found good last, and under which beliefs: under them it is good until it ends. */
  #judged: Judged | undefined
  #examined: { documents: MeshDocuments; identity: Identity; isGood: boolean } | undefined
  #process = 0
  /** Which one of its streams is open; 0 is none. */
  #stream = 0
  #streams = 0
  /** The process that is about to connect. */
  #connecting = 0
  #arrives = 0
  /** As the authority knows it by. */
  #instance = ''
  #sent = { trust: NOTHING, bundle: NOTHING }
  #inbox: OfferedDocument[] = []
  #isReading = false
  #mayBeThere = false
  #looksAgain = false
  readonly #world: World
  readonly #draw: Draw
  readonly #authority: SimulatedAuthority
  readonly #beliefs: Beliefs
  readonly #watch: PeerWatch
  #settings: ServiceConfig
  readonly #ownPair: PairSource | undefined
  /** Where its pair is: as it was when its process began. */
  #source: PairSource
  /** Not wanted any more: where its process runs it goes on, and once that has ended there is no other. */
  isDismissed = false

  constructor(
    service: string,
    traits: PeerTraits,
    parts: {
      world: World
      authority: SimulatedAuthority
      beliefs: Beliefs
      watch: PeerWatch
      /** Where its key lives elsewhere. */
      pair?: PairSource
    },
  ) {
    this.service = service
    this.traits = traits
    this.#world = parts.world
    this.#draw = parts.world.draw.fork(`peer ${traits.id}`)
    this.#authority = parts.authority
    this.#beliefs = parts.beliefs
    this.#watch = parts.watch
    this.#settings = parts.authority.config.services.get(service)!
    this.#ownPair = parts.pair
    this.#source = this.#pairSource()
  }

  /** Milliseconds since the epoch, by its own clock. */
  now(): number {
    return this.#world.now() + this.traits.clockOff
  }

  get isConnected(): boolean {
    return this.#stream !== 0
  }

  get isCutOff(): boolean {
    return this.#world.now() < this.cutOffUntil
  }

  get name(): string {
    return `${this.id}/${this.#process}`
  }

  /** Whether others who believe the same take its certificate; found out again when it believes something else. */
  get isPairGood(): boolean {
    if (this.documents === undefined) return true
    if (this.identity === undefined) return this.#source.version === '0'
    if (this.#examined?.documents === this.documents && this.#examined.identity === this.identity)
      return this.#examined.isGood
    const isGood = this.identity.isGood(this.view(), this.now())
    this.#examined = { documents: this.documents, identity: this.identity, isGood }
    return isGood
  }

  get id(): string {
    return this.traits.id
  }

  #pairSource(): PairSource {
    return this.#ownPair ?? pairOnDisk(this.#authority.machine, this.#settings)
  }

  view(): MeshView {
    return new MeshView({ service: this.service, ...this.documents!, file: this.#file() })
  }

  /** Until when its bundle holds, by its own clock. */
  get expiresAt(): number {
    return this.documents === undefined ? 0 : this.documents.bundle.head.expiresAt + this.#skew
  }

  /** It is wanted again. What still runs of it goes by what was so then, and ends. */
  engage(): void {
    this.isDismissed = false
    this.stop(true)
  }

  /** A process begins: with what it kept, and what lies in the files. */
  start(): void {
    if (this.state !== 'stopped' || this.isDismissed) return
    this.state = 'running'
    this.#process++
    this.#settings = this.#authority.config.services.get(this.service) ?? this.#settings
    this.#source = this.#pairSource()
    this.documents = this.#kept && this.#beliefs.remember(this.#kept)
    this.identity = undefined
    this.#pair = ''
    this.#inbox = []
    this.#isReachable()
    this.#lookAtFiles()
    this.#connectSoon()
  }

  /** The process ends. @param says whether it says goodbye, or is killed */
  stop(says: boolean): void {
    if (this.state === 'stopped') return
    this.state = 'stopped'
    this.reachableSince = Number.POSITIVE_INFINITY
    this.#disconnect(says)
    this.#watch.changed(this)
  }

  /** @param isSeen whether its stream ends, or stays open with nobody there */
  sleep(isSeen: boolean): void {
    if (this.state !== 'running') return
    this.state = 'asleep'
    this.reachableSince = Number.POSITIVE_INFINITY
    if (isSeen) this.#disconnect(false)
    this.#watch.changed(this)
  }

  wake(): void {
    if (this.state !== 'asleep') return
    this.state = 'running'
    this.#isReachable()
    this.#lookAtFiles()
    this.#connectSoon()
    void this.#readInbox()
    this.#watch.changed(this)
  }

  cutOff(until: number, isSeen: boolean): void {
    this.cutOffUntil = until
    this.reachableSince = Number.POSITIVE_INFINITY
    if (isSeen) this.#disconnect(false)
    this.#world.at(until, () => {
      if (this.isCutOff || this.state !== 'running') return undefined
      this.#isReachable()
      this.#lookAtFiles()
      this.#connectSoon()
      return this.#readInbox()
    })
  }

  /** The authority is there again. */
  authorityUp(): void {
    this.#connectSoon()
  }

  authorityDown(): void {
    // What was on its way is lost, and lies in the files.
    if (this.#stream !== 0) this.filesChanged()
    this.#stream = 0
  }

  /** Something new was published: it comes by the stream, or else lies in the files. */
  published(publication: Publication): void {
    if (this.#stream !== 0) {
      const news = unsent(publication, this.#sent)
      this.#sent = {
        trust: publication.trustStatements.at(-1) ?? NOTHING,
        bundle: publication.bundle ?? NOTHING,
      }
      const stream = this.#stream
      // A stream keeps its order.
      this.#arrives = Math.max(this.#arrives, this.#world.now() + this.#delay())
      this.#world.at(this.#arrives, () => {
        if (stream !== this.#stream) return undefined
        this.#inbox.push(...news)
        return this.#readInbox()
      })
    } else this.filesChanged()
  }

  /** What lies in its folder or the mesh folder is new. */
  filesChanged(): void {
    if (this.#mayBeThere) return
    this.#mayBeThere = true
    this.#world.after(this.#delay(), () => {
      this.#mayBeThere = false
      this.#lookAtFiles()
    })
  }

  #isReachable(): void {
    if (!this.isCutOff) this.reachableSince = this.#world.now()
  }

  get #skew(): number {
    return this.#authority.config.authority.clockSkew
  }

  #file(): { allow: ServiceConfig['allow']; minTls: '1.3' | '1.2'; clockSkew: number } {
    const { allow, minTls } = this.#settings
    return { allow, minTls, clockSkew: this.#skew }
  }

  #delay(): number {
    const { lag, worstLag } = this.traits
    return this.#draw.chance(0.02) ? this.#draw.between(lag, worstLag) : this.#draw.between(lag / 4, lag)
  }

  #lookAtFiles(): void {
    if (this.state !== 'running' || this.isCutOff) return
    this.#settings = this.#authority.config.services.get(this.service) ?? this.#settings
    const { machine, layout, config } = this.#authority
    const files = meshFolder(machine, layout.mesh, config.paths.caCert)
    const before = this.documents
    try {
      this.documents = this.#beliefs.read(files, this.now() + this.#skew, before)
    } catch (error) {
      this.#refused(error as Error)
    }
    this.#settle(before)
  }

  /** What was not believed, or could not be read, is looked at again a while later. */
  #refused(error: Error): void {
    this.#watch.refused(this, error)
    if (this.#looksAgain) return
    this.#looksAgain = true
    this.#world.after(LOOK_AGAIN, () => {
      this.#looksAgain = false
      this.#lookAtFiles()
    })
  }

  async #readInbox(): Promise<void> {
    if (this.#isReading || this.state !== 'running' || this.isCutOff) return
    this.#isReading = true
    const before = this.documents
    try {
      for (let offer = this.#inbox.shift(); offer !== undefined; offer = this.#inbox.shift()) {
        if (this.documents === undefined) continue
        try {
          const latest = this.now() + this.#skew
          this.documents = await this.#beliefs.believe(offer, this.documents, latest, this.#fetch)
        } catch (error) {
          this.#refused(error as Error)
        }
      }
    } finally {
      this.#isReading = false
    }
    this.#settle(before)
  }

  readonly #fetch: FetchSection = async ({ digest }) => {
    const bytes = this.#authority.store.section(digest)
    if (bytes === undefined || !this.#authority.isUp) throw new Error(`BUNDLE_MISSING section ${digest}`)
    return bytes
  }

  /** Takes up its pair, where that is good under what is believed now; then says what it enforces. */
  #settle(before: MeshDocuments | undefined): void {
    const isNews = this.documents !== before
    this.#takeUpPair(isNews)
    if (this.documents === undefined) return
    this.#kept = this.documents
    if (isNews) this.#acknowledge()
    if (this.identity !== undefined && this.#authority.isUp) this.#connectSoon()
    this.#watch.changed(this)
  }

  #takeUpPair(isNews: boolean): void {
    const pair = this.#source.version
    if (this.documents === undefined || (pair === this.#pair && this.identity !== undefined)) return
    if (pair === this.#pair && !isNews) return
    const known = this.#judged
    if (known?.pair === pair && judgesAlike(known, this.documents) && this.now() <= known.identity.notAfter) {
      this.#adopt(known)
      return
    }
    const text = this.#source.read()
    if (text === undefined) return
    try {
      const identity = identityOf(text, this.view(), this.now())
      this.#judged = { ...this.documents, pair, identity }
      this.#adopt(this.#judged)
    } catch (error) {
      this.#refused(error as Error)
    }
  }

  #adopt({ pair, identity }: Judged): void {
    this.identity = identity
    this.#pair = pair
    this.#report()
  }

  #connectSoon(): void {
    if (this.#stream !== 0 || this.#connecting === this.#process) return
    this.#connecting = this.#process
    const process = this.#process
    this.#world.after(this.#draw.between(SECOND / 10, LONGEST_WAIT), () => {
      if (process !== this.#process) return undefined
      this.#connecting = 0
      return this.#connect()
    })
  }

  /** As `PeerStream` greets it. */
  async #connect(): Promise<void> {
    const { peers, store } = this.#authority
    if (this.#stream !== 0 || peers === undefined || this.state !== 'running' || this.isCutOff) return
    // As long as it has no pair, it can't join; it looks at the files again when they change.
    if (this.identity === undefined || this.documents === undefined) return
    const { trust, bundle } = this.documents
    const isAhead = await this.#authority.isShownAhead(bundle.bytes, trust.bytes)
    // Whoever is not known here goes by the files, and comes again when those have changed.
    const instance = store.certificate(this.identity.leaf.serial)?.instance
    if (isAhead || instance === undefined) return
    this.#instance = instance
    this.#stream = ++this.#streams
    const { serial } = this.identity.leaf
    const { service, name: peer } = this
    peers.arrived({ peer, service, instance, version: '1', serial, revoked: false })
    this.#sent = { trust: trust.number, bundle: bundle.head.number }
    this.#acknowledge()
    this.#report()
    const newest = store.bundle()
    const statements = store.trustStatements()
    this.published({ trustStatements: statements, bundle: newest, digest: undefined, sections: new Map() })
  }

  #disconnect(says: boolean): void {
    if (this.#stream === 0) return
    this.#stream = 0
    this.#inbox = []
    const { peers, store } = this.#authority
    if (!peers?.left(this.name, says)) return
    const row = store.acknowledgements().find(({ instance }) => instance === this.#instance)
    if (row !== undefined) this.#record({ ...row, leftAt: this.#world.now() })
  }

  #report(): void {
    if (this.#stream === 0) return
    const { number } = this.documents!.bundle.head
    const { serial } = this.identity!.leaf
    const report = {
      serial,
      version: '1',
      connections: [],
      open: 0,
      refused: {},
      reported: {},
      bundle: number,
    }
    this.#authority.peers?.reported(this.name, report)
  }

  /** As `PeerStream` takes it: in the book at once, and on record in its turn. */
  #acknowledge(): void {
    const { peers } = this.#authority
    if (this.#stream === 0 || peers === undefined || this.identity === undefined) return
    const { trust, bundle } = this.documents!
    const { number } = bundle.head
    const { serial } = this.identity.leaf
    peers.acknowledged(this.name, { number, trustStatement: trust.number, serial, revoked: false })
    this.#record({
      ...{ instance: this.#instance, ...number, trustStatement: trust.number, serial },
      ...{ at: this.#world.now(), document: new Uint8Array(), leftAt: undefined },
    })
  }

  #record(row: AcknowledgementRow): void {
    this.#authority.store.write((transaction) => transaction.putAcknowledgement(row)).catch(() => {})
  }

  /** Whether it stands before the newest that its authority has published. */
  isBehind(newest: DocumentNumber): boolean {
    return (
      this.documents === undefined || compareDocumentNumbers(this.documents.bundle.head.number, newest) < 0
    )
  }
}
