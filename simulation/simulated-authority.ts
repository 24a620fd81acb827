import { type Config, compareDocumentNumbers, keyIdOf, type Layout, layoutOf } from '@datapunk/protocol'
import type { TreeRoot } from '@datapunk/tlog'
import { type ApplyReport, apply } from '../packages/authority/applying/apply.ts'
import { continueFromHere } from '../packages/authority/backup/continue-from-here.ts'
import { deliver } from '../packages/authority/delivery/deliver.ts'
import { OwnerBook } from '../packages/authority/disk/owner.ts'
import type { Engine } from '../packages/authority/engine/engine.ts'
import { Halt } from '../packages/authority/engine/halt.ts'
import type { Handover } from '../packages/authority/engine/handover.ts'
import { PeerBook } from '../packages/authority/engine/peer-book.ts'
import type { AuthorityEvent } from '../packages/authority/events/event.ts'
import { announceCsrKey, issueForCsr } from '../packages/authority/issuing/issue-csr.ts'
import type { IssuedChain } from '../packages/authority/issuing/issue-pair.ts'
import { isAheadOfUs } from '../packages/authority/peers/ahead.ts'
import { OwnPair } from '../packages/authority/peers/own-pair.ts'
import { type Publication, publicationOf } from '../packages/authority/peers/publication.ts'
import { letIn, revoke } from '../packages/authority/revocation/revoke.ts'
import { compromise } from '../packages/authority/rollover/compromise.ts'
import { takeStep } from '../packages/authority/rollover/roll.ts'
import { rotateAnew } from '../packages/authority/rotation/rotate-pair.ts'
import { LogSeat } from '../packages/authority/scts/log-seat.ts'
import { checkState } from '../packages/authority/state/check-state.ts'
import { purge } from '../packages/authority/state/purge.ts'
import type { KeptStore } from '../packages/authority/store/kept-store.ts'
import type { SlotKind } from '../packages/authority/store/rows.ts'
import { Pace } from '../packages/authority/timing/pace.ts'
import { compareWitnessed } from '../packages/authority/transparency/witnessed.ts'
import { AuthorityState, type Backup } from './authority-state.ts'
import { KeyPool } from './key-pool.ts'
import type { SimulatedDisk } from './simulated-disk.ts'
import { SimulatedLogs } from './simulated-logs.ts'
import type { World } from './world.ts'

const SECOND = 1000

const HOUR = 60 * 60 * SECOND

/** After a look that failed; while the disk is full more seldom, because nothing comes of it. */
const LOOK_AGAIN = 20 * SECOND

/** After peers have said something that it may be waiting for: what others say meanwhile is heard with it. */
const SOON = 20 * SECOND

/**
 * As `keep` does it, but that nobody removes files here by hand: between what is due there is nothing to see.
 *
 * @returns milliseconds since the epoch
 */
function nextLook({ nextDue, putOff, waits, failed }: ApplyReport, pace: Pace, now: number): number {
  const longest = waits.length > 0 ? 6 * HOUR : 24 * HOUR
  const again = failed.length > 0 ? now + 60 * SECOND : Number.POSITIVE_INFINITY
  return Math.min(nextDue, putOff > 0 ? pace.windowEnds : Number.POSITIVE_INFINITY, again, now + longest)
}

/** What others see of it. */
export interface AuthorityWatch {
  /** Peers can be reached again. */
  up(): void
  down(): void
  published(publication: Publication): void
  event(event: AuthorityEvent): void
  /** The `reload` of a service is run. @throws AuthorityError `RELOAD_FAILED` */
  handOver(handover: Handover): void
  /** It has looked, and made what is into what should be as far as it could. */
  looked(): void
}

/**
 * The authority as `mtls up` runs it, on a machine whose power is cut now and then. All of it is the real code but for the
 * disk, the sockets and where keys come from; the inventory is the memory store, which keeps what it has committed.
 */
export class SimulatedAuthority {
  readonly state: AuthorityState
  readonly layout: Layout
  readonly #world: World
  readonly #watch: AuthorityWatch
  readonly #leafKeys: KeyPool
  /** What it logs to outlives its processes. */
  readonly logs: SimulatedLogs
  #config: Config
  #engine: Engine | undefined
  #pace: Pace
  #wake = 0
  #wakesAt = Number.POSITIVE_INFINITY
  #busy = false
  report: ApplyReport | undefined
  /** Why the last look came to nothing. */
  problem: Error | undefined
  looks = 0
  /** Called once, when it has died. */
  whenDead: (() => void) | undefined

  constructor(world: World, config: Config, watch: AuthorityWatch) {
    this.#world = world
    this.#watch = watch
    this.#config = config
    this.layout = layoutOf(config)
    this.state = new AuthorityState(world, this.layout)
    this.logs = new SimulatedLogs(world)
    this.#leafKeys = new KeyPool('leaf', 512)
    this.#pace = new Pace(world.now)
  }

  get store(): KeptStore {
    return this.state.store
  }

  get machine(): SimulatedDisk {
    return this.state.machine
  }

  get isUp(): boolean {
    return this.#engine !== undefined
  }

  /** It is about to crash. */
  get isDoomed(): boolean {
    return this.whenDead !== undefined
  }

  get config(): Config {
    return this.#config
  }

  get peers(): PeerBook | undefined {
    return this.#engine?.peers
  }

  /** There is room again, which it finds at its next look. */
  emptyDisk(): void {
    this.machine.full = undefined
    this.wakeAt(this.#world.now() + LOOK_AGAIN)
  }

  /** Whether nothing can be written. */
  get isDiskFull(): boolean {
    return this.machine.full !== undefined
  }

  start(): void {
    const world = this.#world
    const config = this.#config
    const disk = this.state.disk()
    const randomBytes = world.draw.bytes
    const peers = new PeerBook(world.now)
    this.#pace = new Pace(world.now)
    this.#engine = {
      config,
      layout: this.layout,
      disk,
      store: this.store,
      owners: new OwnerBook(disk),
      keys: this.state.keys(disk, config),
      clock: world.now,
      halting: new Halt(),
      ownPair: new OwnPair(),
      logSeat: new LogSeat(this.logs.open),
      randomBytes,
      makeKeyPair: async () => this.#leafKeys.next(),
      peers,
      staple: async () => undefined,
      push: () => this.#watch.published(publicationOf(this.store)),
      tellService: async (handover) => this.#watch.handOver(handover),
      deliver,
      actor: 'up',
      report: (event) => this.#watch.event(event),
    }
    // What `Authority.open` makes before there is an engine.
    try {
      disk.ensureFolder(this.layout.state, 0o755)
      disk.ensureFolder(this.layout.authority.dir, 0o700)
    } catch {
      // The disk is full; the look will say so.
    }
    peers.opened()
    peers.onChange(() => {
      const isWaiting = this.report === undefined || this.report.waits.length > 0 || this.report.keysWait
      if (isWaiting) this.wakeAt(world.now() + SOON)
    })
    this.#watch.up()
    this.wakeAt(world.now())
  }

  configure(config: Config): void {
    this.#config = config
    if (this.#engine !== undefined) this.#engine = { ...this.#engine, config }
    this.wakeAt(this.#world.now())
  }

  /** Ends the process, as `kill -9` does. */
  kill(): void {
    this.#engine = undefined
    this.#wakesAt = Number.POSITIVE_INFINITY
    this.#watch.down()
    const told = this.whenDead
    this.whenDead = undefined
    told?.()
  }

  /** Looks at that time at the latest. */
  wakeAt(time: number): void {
    if (time >= this.#wakesAt || this.#engine === undefined) return
    this.#wakesAt = time
    const wake = ++this.#wake
    this.#world.at(time, () => (wake === this.#wake ? this.#look() : undefined))
  }

  /** `mtls rotate SERVICE`: a new pair now. */
  async rotate(service: string): Promise<void> {
    await this.#asked(async (engine) => {
      const row = engine.store.services().find((one) => one.service === service && one.state === 'member')
      if (row === undefined) return
      await rotateAnew(engine, service)
    })
  }

  /** A roll-over that somebody asked for. */
  async roll(kind: SlotKind): Promise<void> {
    const slots = this.store.slots()
    const isRolling = slots.some((slot) => slot.state === 'prepared' || slot.state === 'retiring')
    if (isRolling || slots.length === 0) return
    await this.#asked((engine) => takeStep(engine, { kind: 'prepare', slotKind: kind, reason: 'asked for' }))
    this.wakeAt(this.#world.now())
  }

  /** A key is in other hands: `mtls compromise`. */
  async compromise(kind: SlotKind): Promise<void> {
    if (this.store.trustStatements().length === 0) return
    await this.#asked((engine) => compromise(engine, kind))
    this.wakeAt(this.#world.now())
  }

  /** A service's key is in other hands: `mtls compromise SERVICE --reissue`. */
  async compromiseService(service: string): Promise<void> {
    const isMember = this.store.services().some((row) => row.service === service && row.state === 'member')
    if (this.store.bundle() === undefined || !isMember) return
    const request = { targets: [{ service }], reason: 'key-compromise', reissue: true } as const
    await this.#asked(async (engine) => {
      await revoke(engine, request)
    })
    this.wakeAt(this.#world.now())
  }

  /** `mtls apply --purge`: the files of services that are no members any more. */
  async purge(): Promise<void> {
    await this.#doing(async (engine) => {
      await purge(engine)
    })
  }

  /** The first half of `Authority.issueForCsr`. @returns whether peers are told of the key */
  async announceCsr(service: string, csr: Uint8Array): Promise<boolean> {
    await this.#asked((engine) => announceCsrKey(engine, service, csr))
    return this.isUp && this.problem === undefined
  }

  /** The second half, a moment later; undefined where it can't be done now. */
  async issueForCsr(service: string, csr: Uint8Array): Promise<IssuedChain | undefined> {
    let issued: IssuedChain | undefined
    await this.#asked(async (engine) => {
      issued = await issueForCsr(engine, service, csr)
      await letIn(engine, service)
    })
    return issued
  }

  /** `mtls backup`; undefined where that is refused. */
  async backUp(): Promise<Backup | undefined> {
    let backup: Backup | undefined
    await this.#doing(async (engine) => {
      backup = await this.state.backUp(engine)
    })
    return backup
  }

  /** `mtls restore --continue`. @returns whether it goes on */
  async continueFromHere(): Promise<boolean> {
    await this.#doing(async (engine) => {
      await continueFromHere(engine)
    })
    this.wakeAt(this.#world.now())
    return this.isUp && this.problem === undefined
  }

  /** `mtls issue` for each that a restore has named as barred. @returns whether none is left */
  async letBarredIn(): Promise<boolean> {
    const barred = () => this.store.services().filter(({ barredAt }) => barredAt !== undefined)
    if (barred().length === 0) return true
    await this.#asked(async (engine) => {
      for (const { service } of barred()) await letIn(engine, service)
    })
    this.wakeAt(this.#world.now())
    return barred().length === 0
  }

  /** A peer says what it has seen of the log. @returns whether that was told as an alarm; undefined where nobody can hear it */
  async hearWitness({ log, size, root }: TreeRoot & { readonly log: string }): Promise<boolean | undefined> {
    const engine = this.#engine
    const inUse = engine?.logSeat.log
    if (engine === undefined || inUse === undefined || keyIdOf(inUse.spki) !== log) return undefined
    let isAlarmed = false
    const report = (event: AuthorityEvent) => {
      isAlarmed ||= event.kind === 'log-alarm'
      engine.report(event)
    }
    const seen = { log, size, root: Buffer.from(root).toString('base64') }
    await compareWitnessed({ ...engine, report }, { instance: 'witness', service: 'mesh' }, [seen])
    return isAlarmed
  }

  /** A peer greets: with what it has it may show that others have seen more than is on record here. */
  async isShownAhead(head: Uint8Array, trust: Uint8Array): Promise<boolean> {
    const evidence = isAheadOfUs(this.store, head, trust)
    if (evidence === undefined || this.#engine === undefined) return false
    await this.#engine.halting.begin(this.#engine, `a peer showed ${evidence}`)
    return true
  }

  async #look(): Promise<void> {
    this.#wakesAt = Number.POSITIVE_INFINITY
    this.looks++
    const now = this.#world.now()
    await this.#doing(async (engine) => {
      this.report = undefined
      this.report = await apply(engine, { approve: () => true, pace: this.#pace })
    })
    const engine = this.#engine
    if (engine === undefined) return
    this.#watch.looked()
    const isGood = this.problem === undefined && this.report !== undefined
    this.wakeAt(
      isGood
        ? Math.max(now + 1, nextLook(this.report!, this.#pace, now))
        : now + (this.isDiskFull ? HOUR : LOOK_AGAIN),
    )
  }

  /** As `Authority` does what it is asked for. */
  #asked(deed: (engine: Engine) => Promise<void>): Promise<void> {
    return this.#doing((engine) => {
      checkState(engine)
      return deed(engine)
    })
  }

  async #doing(deed: (engine: Engine) => Promise<void>): Promise<void> {
    const engine = this.#engine
    if (engine === undefined || this.#busy) return
    this.#busy = true
    this.problem = undefined
    try {
      await engine.halting.record(engine)
      await deed(engine)
    } catch (error) {
      this.problem = error as Error
    } finally {
      this.#busy = false
    }
    if (this.machine.isCut) this.kill()
  }
}

/** What a stream sends to a peer that has got as far as these numbers. */
export function unsent(
  { trustStatements, bundle }: Publication,
  sent: { trust: { generation: number; counter: number }; bundle: { generation: number; counter: number } },
) {
  const newer = trustStatements.filter((row) => compareDocumentNumbers(row, sent.trust) > 0)
  const isNews = bundle !== undefined && compareDocumentNumbers(bundle, sent.bundle) > 0
  return [
    ...newer.map(({ bytes }) => ({ type: 'trust-statement', document: bytes }) as const),
    ...(isNews ? [{ type: 'head', document: bundle.head } as const] : []),
  ]
}
