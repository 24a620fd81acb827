import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Certificate } from '@datapunk/pki'
import {
  authorityAddressOf,
  type Config,
  type ConfigPlace,
  type Layout,
  layoutOf,
  type ServiceConfig,
} from '@datapunk/protocol'
import type { AuthorityPlace } from '../authority/authority-route.ts'
import { documentsFromAuthority } from '../authority/first-contact.ts'
import { type FetchSection, type OfferedDocument, OfferedDocuments } from '../authority/offered-documents.ts'
import { WaitingDocuments } from '../authority/waiting-documents.ts'
import { type Waits, waitAfter } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import { MeshError } from '../error.ts'
import { type ConfigReading, readConfig } from '../files/config-file.ts'
import { FolderWatch } from '../files/folder-watch.ts'
import { type MeshDocuments, readMeshDocuments, refusalOf } from '../files/mesh-files.ts'
import { type PairText, readPair } from '../files/pair-file.ts'
import type { Current, CurrentSource } from '../gate/current.ts'
import { type Identity, identityOf } from '../gate/identity.ts'
import type { LoggedCertificates } from '../gate/logged-certificates.ts'
import { MeshView } from '../gate/view.ts'
import { stapleSource } from '../staples/staple-source.ts'
import { Staples } from '../staples/staples.ts'
import { recallContradictions } from '../transparency/recall.ts'
import { WitnessMemory } from '../transparency/witness-memory.ts'
import { auditAlarm } from './audit-alarm.ts'
import { Memory } from './memory.ts'
import { Rounds } from './rounds.ts'

export interface MembershipOptions {
  readonly place: ConfigPlace
  readonly service: string
  readonly clock: Clock
  readonly random: (size: number) => Buffer
  /** Milliseconds between looks at the files, for where folders can't be watched. */
  readonly pollEvery: number
  /** Where to keep what was believed; else in the instance's own folder. */
  readonly memory: string | undefined
}

/** What lies in the files, or was offered: what was believed before, where nothing else is good. */
interface Found {
  readonly config: ConfigReading
  readonly documents: MeshDocuments
  /** Undefined where it can't be read. */
  readonly pair: PairText | undefined
  /** What is not good. */
  readonly problems: readonly MeshError[]
}

export interface MembershipListener {
  /** Called before anything else happens under the new state. */
  changed(now: Current, before: Current): void
  /** What is new was kept, or could not be, which was told. */
  kept(): void
  /** Something new was found and not believed; what was believed before is kept. Told once, not at every look. */
  problem(problem: MeshError): void
  /** Something in the mesh folder may have changed. */
  stirred(): void
}

/** How long what the authority has sent, and was not believed, waits for its next try. */
const WAITS: Waits = { first: 100, longest: 10_000 }

/**
 * For so long the sections of a head may be gathered while a newer head waits: sections ahead are differences to them. Then they are
 * given up for those of the newer one. Doubled each time, so that where heads come faster than sections one of them is believed in
 * the end. Milliseconds.
 */
const LENIENCE = 10_000

/**
 * A service's place in the mesh: its own pair and what it believes, read from files, checked, kept up to date. New files
 * are taken over only whole and good; numbers never go back.
 */
export class Membership implements CurrentSource {
  /** The service's entry in the config file. Names and paths are those of the start: who is moved is started anew. */
  readonly settings: ServiceConfig
  readonly #layout: Layout['mesh']
  /** As it was at the join: where the mesh folder and the first roots lie, whatever it says later. */
  readonly #joined: Config
  readonly #options: MembershipOptions
  readonly #watch: FolderWatch
  readonly #memory: Memory
  readonly #staples: Staples
  readonly #reading = new Rounds(() => this.#read())
  readonly #trying = new Rounds(() => this.#tryWaiting())
  readonly #waiting = new WaitingDocuments()
  /** Of those that wait, the ones whose sections are all there. */
  readonly #gathered: OfferedDocument[] = []
  #offered: OfferedDocuments | undefined
  #failures = 0
  #cancelRetry = () => {}
  /** How often in a row the sections of a head were given up for a newer one. */
  #givenUp = 0
  /** Gives up the sections that are gathered now, where that has lasted too long and a newer head has come. */
  #giveWay = () => {}
  /** Met while joining, and told once somebody listens. */
  #early: readonly MeshError[]
  #config: ConfigReading
  #documents: MeshDocuments
  #current: Current
  #listener: MembershipListener | undefined
  #keeping: Promise<void> = Promise.resolve()
  /** Why what is believed could not be kept. */
  #unkept: readonly MeshError[] = []
  #isPolled = false
  #reported: ReadonlySet<string> = new Set()
  #cancelPoll = () => {}
  #left = false

  private constructor(
    options: MembershipOptions,
    config: ConfigReading,
    documents: MeshDocuments,
    current: Current,
    memory: Memory,
    early: readonly MeshError[],
  ) {
    this.settings = config.service
    this.#layout = layoutOf(config.config).mesh
    this.#joined = config.config
    this.#options = options
    this.#config = config
    this.#documents = documents
    this.#current = current
    this.#memory = memory
    this.#early = early
    const { clock, random } = options
    this.#staples = new Staples(
      stapleSource({
        ...{ clock, random, folder: memory.folder },
        place: () => this.authority,
        current: () => this.#current,
        problem: (problem) => this.#tell(problem),
        changed: () => {
          if (this.#listener !== undefined) void this.refresh()
        },
      }),
    )
    this.#watch = new FolderWatch(() => {
      this.#listener?.stirred()
      void this.refresh()
    })
  }

  /** @throws MeshError whatever stands in the way of joining */
  static async open(options: MembershipOptions): Promise<Membership> {
    const config = await readConfig(options.place, options.service)
    const layout = layoutOf(config.config)
    const memory = new Memory(options.memory ?? layout.instance(options.service).memory)
    const { documents, early } = await firstDocuments(memory, config, options.clock)
    const view = viewOf(config, documents)
    if (view.self === undefined) throw notAMember(options.service, config)
    const identity = identityOf(await readPair(config.service), view, options.clock.now())
    const current = { identity, view, version: 1 }
    await recallContradictions(view.trust.logs, view.logged, new WitnessMemory(memory.folder))
    const membership = new Membership(options, config, documents, current, memory, early)
    await membership.#staples.begin(identity, config.service.ocspStapling)
    return membership
  }

  current(): Current {
    return this.#current
  }

  /** Fulfilled when what is believed now was kept, or could not be. Never rejects. */
  get kept(): Promise<void> {
    return this.#keeping
  }

  /** What a server shows with a certificate of this service now. */
  stapleOf(leaf: Certificate): Buffer | undefined {
    return this.#staples.of(leaf)
  }

  /** Where the authority is spoken to. */
  get authority(): AuthorityPlace {
    return { socket: this.#layout.socket, address: authorityAddressOf(this.#config.config) }
  }

  /** Where logs may lie on this machine. */
  get layout(): Pick<Layout, 'log'> {
    return layoutOf(this.#config.config)
  }

  /** Where this service keeps what it believed. */
  get memoryFolder(): string {
    return this.#memory.folder
  }

  /** What the clocks of two machines may differ by, milliseconds. */
  get clockSkew(): number {
    return this.#config.config.authority.clockSkew
  }

  /** Begins to watch. One listener: the mesh. */
  start(listener: MembershipListener, fetch: FetchSection): void {
    this.#listener = listener
    this.#offered = new OfferedDocuments(fetch)
    this.#watchFolders()
    this.#poll()
    const early = this.#early
    this.#early = []
    void this.#keep().then(() => this.#report([...early, ...this.#unkept], this.#reported))
  }

  /** Takes a document from the authority's stream. It is believed only as a file would be. */
  offer(document: OfferedDocument): void {
    this.#waiting.add(document)
    this.#failures = 0
    this.#giveWay()
    void this.#trying.run()
  }

  /** Reads everything anew; what is new and good holds when the promise is fulfilled. Never rejects. */
  async refresh(): Promise<void> {
    await this.#reading.run()
    await this.#readOnceStapled()
    if (this.#waiting.size > 0 && !this.#left) await this.#trying.run()
  }

  async #readOnceStapled(): Promise<void> {
    if ((await this.#staples.waited()) && !this.#left) await this.#reading.run()
  }

  /** Fulfilled when nothing is being written any more. */
  async stop(): Promise<void> {
    this.#left = true
    this.#cancelPoll()
    this.#cancelRetry()
    this.#watch.close()
    await this.#staples.stop()
    await this.#reading.end()
    await this.#keeping
  }

  /** Apart from the files: what a document that was offered still needs holds up nothing that lies here. */
  async #tryWaiting(): Promise<void> {
    this.#cancelRetry()
    if (this.#waiting.size === 0) return
    for (const document of this.#waiting) {
      // A head rests on the statements before it, and is a difference to the one before.
      if (document.type === 'head' && this.#gathered.length > 0) await this.#reading.run()
      if (this.#left) return
      try {
        await this.#gather(document)
        this.#gathered.push(document)
      } catch (error) {
        this.#waiting.failed(document, problemOf(error))
      }
    }
    if (this.#left) return
    await this.#reading.run()
    void this.#readOnceStapled()
    this.#tryLater()
  }

  async #gather(document: OfferedDocument): Promise<void> {
    const { clock } = this.#options
    const stop = new AbortController()
    const cancel = clock.after(LENIENCE * 2 ** this.#givenUp, () => {
      this.#giveWay = () => {
        if (this.#waiting.isOvertaken(document)) stop.abort(new Error('a newer bundle has come'))
      }
      this.#giveWay()
    })
    try {
      await this.#offered?.gather(document, this.#documents, latestIssue(this.#config, clock), stop.signal)
      if (document.type === 'head') this.#givenUp = 0
    } catch (error) {
      if (stop.signal.aborted) this.#givenUp++
      throw error
    } finally {
      cancel()
      this.#giveWay = () => {}
    }
  }

  #tryLater(): void {
    if (this.#left || this.#waiting.size === 0) return
    const { clock, random } = this.#options
    const wait = waitAfter(this.#failures++, WAITS, random)
    this.#cancelRetry = clock.after(wait, () => void this.#trying.run())
  }

  async #read(): Promise<void> {
    const isPolled = this.#isPolled
    this.#isPolled = false
    // 1 What lies there, and what was offered: whole and good, or what was believed before.
    const found = await this.#find()
    if (this.#left) return
    const isNews = found.documents !== this.#documents
    const problems = [...found.problems, ...auditAlarm(this.#documents.bundle, found.documents.bundle)]
    // 2 It holds from here on, also where the pair does not go with it.
    const before = this.#current
    const isOther = isNews || found.config !== this.#config
    const view = isOther ? viewOf(found.config, found.documents, before.view.logged) : before.view
    this.#documents = found.documents
    this.#config = found.config
    let { identity } = before
    try {
      if (found.pair !== undefined && (isOther || !identity.isOf(found.pair)))
        identity = this.#identityUnder(view, found.pair)
    } catch (error) {
      problems.push(problemOf(error))
    }
    // 3 Enforced, and only then kept: a full disk keeps no revocation waiting. What failed is tried again by the poll alone, because
    //   a try may stir the folders that are watched.
    if (view !== before.view || identity !== before.identity) {
      this.#current = { identity, view, version: before.version + 1 }
      this.#listener?.changed(this.#current, before)
    }
    if (isNews || (isPolled && this.#unkept.length > 0)) await this.#keep()
    // 4 Told.
    this.#report([...problems, ...this.#waiting.reasons, ...this.#unkept])
    if (isNews) this.#listener?.kept()
    this.#watchFolders()
  }

  async #find(): Promise<Found> {
    const problems: MeshError[] = []
    const tolerate = async <T>(read: Promise<T>): Promise<T | undefined> => {
      try {
        return await read
      } catch (error) {
        problems.push(problemOf(error))
        return undefined
      }
    }
    const { place, service, clock } = this.#options
    const config = (await tolerate(readConfig(place, service, this.#config))) ?? this.#config
    const latest = latestIssue(config, clock)
    const previous = this.#documents
    const files = Promise.try(() => readMeshDocuments(this.#joined, { latest, previous })).catch((error) => {
      if (isNoNews(error, config)) return previous
      throw error
    })
    const documents = this.#believeGathered((await tolerate(files)) ?? this.#documents, latest)
    const pair = await tolerate(readPair(this.settings))
    return { config, documents, pair, problems }
  }

  /** @returns what was `believed`, and of what was offered whatever is newer and good */
  #believeGathered(believed: MeshDocuments, latest: number): MeshDocuments {
    let documents = believed
    for (const offer of this.#gathered.splice(0)) {
      try {
        const before = this.#waiting.statementsBefore(offer)
        documents = this.#offered?.believe(offer, documents, latest, before) ?? documents
        this.#waiting.believed(offer)
      } catch (error) {
        this.#waiting.failed(offer, problemOf(error))
      }
    }
    return documents
  }

  /** Whom to be from now on. @throws MeshError where the pair is not good under `view` */
  #identityUnder(view: MeshView, pair: PairText): Identity {
    const { identity } = this.#current
    const now = this.#options.clock.now()
    const found = identity.isOf(pair) ? identity.under(view, now) : identityOf(pair, view, now)
    return this.#staples.pairToServe(found, identity, view, this.#config.service.ocspStapling)
  }

  /** One after the other: each forgets what it does not know. */
  #keep(): Promise<void> {
    this.#keeping = this.#keeping.then(async () => {
      this.#unkept = await this.#tryToKeep()
    })
    return this.#keeping
  }

  async #tryToKeep(): Promise<readonly MeshError[]> {
    try {
      await this.#memory.keep(this.#documents)
      return []
    } catch (error) {
      return [error instanceof MeshError ? error : unexpected(error)]
    }
  }

  /** @param still what was reported before and is so still */
  #report(problems: readonly MeshError[], still: ReadonlySet<string> = new Set()): void {
    const known = this.#reported
    this.#reported = still.union(new Set(problems.map(keyOf)))
    for (const problem of problems) if (!known.has(keyOf(problem))) this.#listener?.problem(problem)
  }

  #tell(problem: MeshError): void {
    if (this.#listener === undefined) this.#early = [...this.#early, problem]
    else this.#listener.problem(problem)
  }

  #watchFolders(): void {
    if (this.#left) return
    const version = dirname(this.#current.identity.file)
    this.#watch.watch([
      this.#layout.dir,
      this.#layout.trustDir,
      version,
      dirname(version),
      dirname(this.settings.cert),
    ])
  }

  #poll(): void {
    this.#cancelPoll = this.#options.clock.after(this.#options.pollEvery, () => {
      this.#isPolled = true
      void this.refresh()
      void this.#reading.quiet().then(() => {
        if (!this.#left) this.#poll()
      })
    })
  }
}

/**
 * What the files say, but never less than what was believed before this start: where the files can't be believed, that has
 * to do, because the authority may be down, or the files older.
 */
async function firstDocuments(
  memory: Memory,
  reading: ConfigReading,
  clock: Clock,
): Promise<{ documents: MeshDocuments; early: readonly MeshError[] }> {
  const early: MeshError[] = []
  const remembered = await memory.read().catch((error: MeshError) => {
    early.push(error)
    return undefined
  })
  const { config } = reading
  const latest = latestIssue(reading, clock)
  const files = Promise.try(() => readMeshDocuments(config, { latest, previous: remembered }))
  const documents = await files.catch((error: MeshError) => {
    if (remembered === undefined) return askInstead(reading, clock, error)
    if (!isNoNews(error, reading)) early.push(error)
    return remembered
  })
  if (remembered !== undefined) early.push(...auditAlarm(remembered.bundle, documents.bundle))
  return { documents, early }
}

/** On a host without the mesh folder, the authority gives a service its first documents. */
async function askInstead(reading: ConfigReading, clock: Clock, error: MeshError): Promise<MeshDocuments> {
  const { config, service } = reading
  const address = authorityAddressOf(config)
  if (address === undefined || !isNoNews(error, reading)) throw error
  const pair = await readPair(service)
  const { trustDomain, paths } = config
  const latest = latestIssue(reading, clock)
  return documentsFromAuthority({ address, trustDomain, caCert: paths.caCert, pair, clock, latest })
}

/**
 * Where the authority is on another host, nobody writes the files of the mesh folder here: that there are none, or that they
 * are as old as when they were copied, says nothing.
 */
function isNoNews(error: unknown, { config }: ConfigReading): boolean {
  if (!(error instanceof MeshError)) return false
  const isElsewhere = authorityAddressOf(config) !== undefined && !existsSync(layoutOf(config).mesh.socket)
  return isElsewhere && (error.code === 'BUNDLE_MISSING' || OLDER.has(error.data.rule))
}

/** Rules by which files are refused for their age alone. */
const OLDER: ReadonlySet<unknown> = new Set(['BUNDLE_NUMBER_WENT_BACK', 'TRUST_WENT_BACK'])

/** When a document may have been issued at the latest. */
function latestIssue({ config }: ConfigReading, clock: Clock): number {
  return clock.now() + config.authority.clockSkew
}

function viewOf(
  { service, config }: ConfigReading,
  documents: MeshDocuments,
  logged?: LoggedCertificates,
): MeshView {
  const file = { ...service, clockSkew: config.authority.clockSkew }
  return new MeshView({ service: service.service, ...documents, logged, file })
}

function problemOf(error: unknown): MeshError {
  const cause = refusalOf(error)
  return cause instanceof MeshError ? cause : unexpected(cause)
}

/** Not the message, which may tell the time. */
function keyOf({ code, data }: MeshError): string {
  return JSON.stringify([code, data])
}

/** Files are anyone's: whatever they do to the code that reads them, the service goes on with what it had. */
function unexpected(cause: unknown): MeshError {
  return new MeshError('CHECK_FAILED', `the check of new files itself failed (${cause}): report this`, {
    cause,
  })
}

function notAMember(service: string, { config }: ConfigReading): MeshError {
  return new MeshError(
    'NOT_A_MEMBER',
    `found ${service} in ${config.file} but not among the members of the mesh; allowed: members: run \`mtls apply\``,
    { data: { service } },
  )
}
