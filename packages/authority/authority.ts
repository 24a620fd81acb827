import type { ChildProcess } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import type { Config } from '@datapunk/protocol'
import type { Administration, BackupMade, BackupRequest, GivenBackup } from './administration.ts'
import {
  type ApplyOptions,
  type ApplyReport,
  apply,
  goingOn,
  joined,
  planOf,
  stepFailure,
} from './applying/apply.ts'
import { type BackUpOptions, backUp, type RecordedBackup, recordBackup } from './backup/back-up.ts'
import { backupPassphrase, givenPassphrase } from './backup/backup-passphrase.ts'
import { BackupPlace } from './backup/backup-place.ts'
import { continueFromHere } from './backup/continue-from-here.ts'
import { Deliveries } from './delivery/deliver.ts'
import type { Engine } from './engine/engine.ts'
import type { PeerBook } from './engine/peer-book.ts'
import { AuthorityError } from './error.ts'
import type { NextGeneration } from './events/next-generation.ts'
import { issueConsole } from './issuing/issue-console.ts'
import { announceCsrKey, issueForCsr, notAMember } from './issuing/issue-csr.ts'
import { type IssuedOperator, issueOperator } from './issuing/issue-operator.ts'
import type { IssuedChain } from './issuing/issue-pair.ts'
import type { KeptPassphrase, Passphrase } from './keys/passphrase.ts'
import { EnforcementWatch } from './peers/enforcement-watch.ts'
import { type LiveService, liveService } from './peers/live-service.ts'
import { type PeerServer, servePeers } from './peers/serve-peers.ts'
import type { Plan } from './planning/plan.ts'
import { type ProbePairs, prepareProbe } from './probe/prepare-probe.ts'
import {
  type RefusedCallersAnswer,
  type RefusedCallersRequest,
  refusedCallersOf,
} from './probe/refused-callers.ts'
import { announceKeys } from './publishing/announce-keys.ts'
import { type SuspendedPins, suspendPins } from './publishing/suspend-pins.ts'
import type { ReadElsewhere } from './responder/log-shelf.ts'
import { type ResponderHost, ResponderProcess } from './responder/responder-process.ts'
import { type Enforcement, type EnforcementRequest, enforcementOf } from './revocation/enforcement.ts'
import { previewRevocation, type RevokePreview } from './revocation/preview.ts'
import { letIn, type RevokeReport, type RevokeRequest, revoke } from './revocation/revoke.ts'
import { issueNow } from './rotation/issue-now.ts'
import {
  previewRotation,
  type RotatePreview,
  type RotateReport,
  type RotateRequest,
  rotate,
  slotReport,
} from './rotation/rotate.ts'
import { requireInConfig } from './services/in-config.ts'
import { askerNow } from './sockets/asker.ts'
import { endAll } from './sockets/end-all.ts'
import { adoptCa } from './state/adopt.ts'
import { checkState } from './state/check-state.ts'
import type { Lock } from './state/lock.ts'
import { type AuthorityOptions, type OpenedEngine, openEngine } from './state/open-engine.ts'
import type { OpenedFiles } from './state/opened-files.ts'
import { purge } from './state/purge.ts'
import { type ResealReport, resealKeys } from './state/reseal-keys.ts'
import { authorityFault, type Measurements, measure } from './status/measurements.ts'
import { OutageWatch } from './status/outage-budget.ts'
import { type Status, statusOf } from './status/status.ts'
import { LogMonitor } from './transparency/log-monitor.ts'

/** The authority at work: it holds the lock of its state folder until it is closed. */
export class Authority implements Administration {
  #engine: Engine
  /** On whose behalf this does what nobody asked for over the socket. */
  readonly #actor: string
  readonly #lock: Lock
  readonly #opened: OpenedFiles
  /** One deed at a time: the tail of the queue. */
  #busy: Promise<unknown> = Promise.resolve()
  /** Backups share the place of their snapshot: the tail of their queue. */
  #backingUp: Promise<unknown> = Promise.resolve()
  readonly #passphrase: KeptPassphrase
  readonly #readElsewhere: ReadElsewhere | undefined
  #peerServer: PeerServer | undefined
  #responder: ResponderProcess | undefined
  #closing: Promise<void> | undefined
  #lastApply: ApplyReport | undefined
  /** Why the last apply failed, as a whole or in a step of a roll-over. */
  #applyFailure: string | undefined
  /** Why the config file can't be followed as it is now. */
  #configFailure: string | undefined
  readonly #enforcement: EnforcementWatch
  readonly #outage = new OutageWatch()
  readonly #logMonitor: LogMonitor
  /** A service that takes its time with its files keeps nobody else from work: it is told out of turn. */
  readonly #deliveries = new Deliveries(() => this.#stirred())
  #stirred = () => {}

  /**
   * Takes the lock, opens the inventory and finds the passphrase. Nothing is made yet but the folders.
   *
   * @throws AuthorityError `LOCKED`, `PERMISSIONS`, `STORE_FAILED`, `CA_WITHOUT_INVENTORY`
   */
  static async open(options: AuthorityOptions): Promise<Authority> {
    return new Authority(await openEngine(options), options.readLogElsewhere)
  }

  private constructor(
    { engine, lock, opened, passphrase }: OpenedEngine,
    readElsewhere: ReadElsewhere | undefined,
  ) {
    this.#readElsewhere = readElsewhere
    this.#engine = {
      ...engine,
      push: () => {
        this.#peerServer?.push()
        this.#responder?.changed()
      },
      staple: async (serial) => this.#responder?.staple(serial),
      deliver: async (engine, options) => {
        this.#deliveries.begin(engine, options)
        return 0
      },
    }
    this.#actor = engine.actor
    this.#passphrase = passphrase
    this.#lock = lock
    this.#opened = opened
    this.#enforcement = new EnforcementWatch(this.#engine)
    this.#logMonitor = new LogMonitor(() => this.#engine)
  }

  /**
   * Goes on under another version of the same config file.
   *
   * @throws AuthorityError `RESTART_NEEDED` when it names other places for what is open already
   */
  configure(config: Config): void {
    const now = placesOf(this.#engine.config)
    const changed = Object.entries(placesOf(config)).filter(([name, place]) => place !== now[name])
    if (changed.length > 0) {
      const names = changed.map(([name]) => name).join(' and ')
      throw new AuthorityError(
        'RESTART_NEEDED',
        `found another ${names} in ${config.file} than at the start; allowed: the one of then. Restart \`mtls up\` to go on with the new one`,
      )
    }
    this.#configFailure = undefined
    this.#engine = { ...this.#engine, config }
    this.#passphrase.lookIn(config.authority.passphraseFile)
    this.#responder?.configure(config)
  }

  /** The config file can't be followed: it can't be read, or `configure` refuses it. That is told until it can. */
  notConfigured(error: unknown): void {
    this.#configFailure = messageOf(error)
  }

  /**
   * Lets peers in from now on, until this is closed.
   *
   * @throws AuthorityError `DISK_FAILED`, `LISTEN_FAILED`
   */
  async servePeers(): Promise<void> {
    const { layout, config } = this.#engine
    const streaming = {
      ...this.#engine,
      halt: (evidence: string) => void this.#engine.halting.begin(this.#asItself, evidence),
      readElsewhere: this.#readElsewhere,
    }
    const places = {
      socket: layout.mesh.socket,
      listen: config.authority.listen,
      checkPlace: () => this.checkPlace(),
      onRenewed: () => this.#stirred(),
    }
    this.#peerServer = await servePeers(streaming, places)
    this.#enforcement.start()
    this.#logMonitor.start()
    await this.#inTurn(makeOwnPair)
  }

  /**
   * Serves lists and OCSP from now on, by a process that holds no CA key, until this is closed; where `authority.http` says so.
   *
   * @param start starts that process, whose program calls `runResponder`
   */
  serveStatus(start: () => ChildProcess): void {
    const { config, layout, clock, report } = this.#engine
    const inTurn: ResponderHost['inTurn'] = (deed) => this.#whenWhole(deed)
    this.#responder = new ResponderProcess({ layout, clock, report, start, inTurn })
    this.#responder.configure(config)
  }

  /** Where peers on other hosts come in, once they are served. */
  get address(): AddressInfo | undefined {
    return this.#peerServer?.address
  }

  get peers(): PeerBook {
    return this.#engine.peers
  }

  plan(): Promise<Plan> {
    return this.#inTurn(planOf)
  }

  async apply(options: ApplyOptions): Promise<ApplyReport> {
    let { told } = this.#deliveries
    let report = await this.#applyInTurn(options)
    // Whoever keeps the mesh looks again when somebody was told; others hear what has come of it.
    if (options.pace !== undefined) return report
    if (report.keysWait) {
      await this.#peersAcknowledge()
      report = joined(report, await this.#applyInTurn(goingOn(options, report)))
    }
    for (;;) {
      await this.#deliveries.settled()
      if (this.#deliveries.told === told || report.waits.length === 0) return report
      told = this.#deliveries.told
      report = joined(report, await this.#applyInTurn(goingOn(options, report)))
    }
  }

  /** Calls from now on when there may be more to do: services were told of their files, or what lies beside `mesh.sock` may be gone too. */
  onStirred(listener: () => void): void {
    this.#stirred = listener
  }

  #applyInTurn(options: ApplyOptions): Promise<ApplyReport> {
    return this.#inTurn(async (engine) => {
      try {
        this.checkPlace()
        // What was lost may have been for a moment, and what is due may write nothing.
        if (engine.store.failure !== undefined) await engine.store.write(() => {})
        this.#lastApply = await apply(engine, options)
        this.#applyFailure = stepFailure(this.#lastApply)?.message
        return this.#lastApply
      } catch (error) {
        this.#applyFailure = messageOf(error)
        throw error
      }
    })
  }

  /** The mesh in numbers, now. Not in turn: readers wait for nobody. */
  measure(): Measurements {
    const services = this.#engine.config.authority.metricsServices
    return measure(this.#engine, { services, last: this.#lastApply, failure: this.#failure })
  }

  /** Why nothing can be published or issued now, and what repairs it; undefined where it can. */
  get fault(): string | undefined {
    return authorityFault(this.#engine, this.#failure)
  }

  /** Takes the CA at `paths.ca_cert` and `paths.ca_key` over as this mesh's root. */
  adopt(): Promise<void> {
    return this.#inTurn(adoptCa)
  }

  async issue(service: string): Promise<IssuedChain> {
    await this.#peersKnow(announceKeys)
    return this.#whenWhole(async (engine) => {
      const row = engine.store.services().find((one) => one.service === service && one.state === 'member')
      if (row === undefined) throw notAMember(service, engine)
      requireInConfig(engine.config, service)
      await letIn(engine, service)
      return issueNow(engine, row)
    })
  }

  async issueForCsr(service: string, csr: Uint8Array): Promise<IssuedChain> {
    await this.#peersKnow((engine) => announceCsrKey(engine, service, csr))
    return this.#whenWhole(async (engine) => {
      const issued = await issueForCsr(engine, service, csr)
      await letIn(engine, service)
      return issued
    })
  }

  issueOperator(operator: string, csr: Uint8Array): Promise<IssuedOperator> {
    return this.#whenWhole((engine) => issueOperator(engine, operator, csr))
  }

  /**
   * A certificate for the process that serves the console to operators elsewhere.
   *
   * @param spki DER SubjectPublicKeyInfo
   * @returns PEM: leaf, then issuing CA
   */
  certifyConsole(spki: Uint8Array): Promise<string> {
    return this.#whenWhole((engine) => issueConsole(engine, spki))
  }

  async rotate(request: RotateRequest): Promise<RotateReport> {
    if (request.what === 'pairs') await this.#peersKnow(announceKeys)
    const report = await this.#whenWhole(async (engine) => {
      const report = await rotate(engine, request)
      // Somebody asked: whoever could not be told before is tried again now.
      await engine.deliver(engine, { automatic: false })
      return report
    })
    if (report.waits.length === 0) return report
    // It may go on once services that read files were told.
    const next = slotReport(this.#engine, await this.apply({ approve: () => false }))
    return { ...next, rotated: [...report.rotated, ...next.rotated] }
  }

  previewRotation(request: RotateRequest): Promise<RotatePreview> {
    return this.#inTurn((engine) => previewRotation(engine, request))
  }

  revoke(request: RevokeRequest): Promise<RevokeReport> {
    return this.#whenWhole((engine) => revoke(engine, request))
  }

  previewRevocation(request: RevokeRequest): Promise<RevokePreview> {
    return this.#inTurn((engine) => previewRevocation(engine, request))
  }

  /** Not in turn: whoever waits for peers keeps nobody from work. */
  enforcement(request: EnforcementRequest): Promise<Enforcement> {
    return enforcementOf(this.#engine, request, this.#deliveries.settled())
  }

  suspendPins(span: number | undefined): Promise<SuspendedPins> {
    return this.#whenWhole((engine) => suspendPins(engine, span))
  }

  /** Tells, as an event, when the mesh could not go on for long without this authority. */
  lookAtOutage(): void {
    this.#outage.look(this.#engine)
  }

  prepareProbe(): Promise<ProbePairs> {
    return this.#whenWhole(prepareProbe)
  }

  /** Not in turn, as `enforcement`. */
  refusedCallers(request: RefusedCallersRequest): Promise<RefusedCallersAnswer> {
    return refusedCallersOf(this.#engine, request)
  }

  /** @param file with the passphrase that the CA keys are sealed with from then on, 0600; absolute */
  reseal(file: string): Promise<ResealReport> {
    return this.#inTurn((engine) => resealKeys(engine, file))
  }

  purge(): Promise<readonly string[]> {
    return this.#inTurn(purge)
  }

  status(): Promise<Status> {
    return this.#inTurn((engine) => statusOf(engine, this.#failure))
  }

  async liveService(service: string): Promise<LiveService> {
    return liveService(this.#engine, service)
  }

  async backup({ file, passphraseFile }: BackupRequest): Promise<BackupMade> {
    const { disk, store } = this.#engine
    const place = new BackupPlace(file, disk)
    const meshId = store.mesh()?.meshId
    if (meshId !== undefined) place.checkMesh(meshId)
    const passphrase = givenPassphrase(disk, passphraseFile)
    const made = await this.giveBackup(passphrase, (given, bytes) => place.put(given, bytes))
    await this.recordBackup(made)
    return made
  }

  /**
   * The bytes of a backup, for whoever puts them where they are to lie, and has it recorded then.
   *
   * @param passphrase one for it alone; default that of the CA keys
   */
  giveBackup<Taken>(
    passphrase: Passphrase | undefined,
    take: (given: GivenBackup, bytes: AsyncIterable<Uint8Array>) => Promise<Taken>,
  ): Promise<Taken> {
    const taken = this.#backingUp.then(() => {
      let passphraseInState = false
      const findPassphrase = async () => {
        const found = await backupPassphrase(this.#engine, passphrase, () => this.#passphrase.find())
        passphraseInState = found.unprotected
        return found.passphrase
      }
      const options: BackUpOptions<Taken> = {
        passphrase: findPassphrase,
        take: (contents, bytes) => take({ ...contents, passphraseInState }, bytes),
      }
      return backUp(this.#engine, options, (deed) => this.#inTurn(deed))
    })
    this.#backingUp = taken.catch(() => {})
    return taken
  }

  recordBackup(made: RecordedBackup): Promise<void> {
    return this.#inTurn((engine) => recordBackup(engine, made))
  }

  continueFromHere(): Promise<NextGeneration> {
    return this.#inTurn(continueFromHere)
  }

  /** @throws AuthorityError `STATE_REPLACED` where this is not the authority of its folder any more */
  checkPlace(): void {
    this.#opened.check()
  }

  /** For what nobody has asked for over the socket. */
  get #asItself(): Engine {
    return { ...this.#engine, actor: this.#actor }
  }

  /** Why the next one would fail, or else why the last one did. */
  get #failure(): string | undefined {
    return this.#opened.refusal?.message ?? this.#configFailure ?? this.#applyFailure
  }

  /**
   * Waits for what is being done, and lets go of the lock.
   *
   * @param grace milliseconds for the services that are being told of their files by then, and nobody else is told; where nothing is
   *   said, all are
   * @throws what the first step that failed has thrown; all others were taken
   */
  close({ grace }: { readonly grace?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(grace)
    return this.#closing
  }

  #close(grace: number | undefined): Promise<void> {
    return endAll([
      () => this.#enforcement.stop(),
      () => this.#logMonitor.stop(),
      () => this.#peerServer?.close(),
      () => this.#responder?.close(),
      () => this.#backingUp,
      () => this.#busy,
      () => (grace === undefined ? this.#deliveries.settled() : this.#deliveries.end(grace)),
      () => this.#engine.logSeat.close(),
      () => this.#engine.store.close(),
      () => this.#lock.release(),
    ])
  }

  /** Peers need a moment for keys that were just announced; whoever is late after that keeps the deed, not the others, waiting. */
  async #peersKnow(announce: (engine: Engine) => Promise<unknown>): Promise<void> {
    await this.#whenWhole(announce)
    await this.#peersAcknowledge()
  }

  async #peersAcknowledge(): Promise<void> {
    const bundle = this.#engine.store.bundle()
    if (bundle !== undefined) await enforcementOf(this.#engine, { bundle, wait: PEERS_KNOW_WITHIN })
  }

  /** In turn, unless what is on record and on disk says that nothing may be signed. */
  #whenWhole<Result>(deed: (engine: Engine) => Result | Promise<Result>): Promise<Result> {
    const result = this.#inTurn((engine) => {
      this.checkPlace()
      checkState(engine)
      return deed(engine)
    })
    // Whoever keeps the mesh sees then whether anything can be written.
    result.catch(() => {
      if (this.#engine.store.failure !== undefined) this.#stirred()
    })
    return result
  }

  #inTurn<Result>(deed: (engine: Engine) => Result | Promise<Result>): Promise<Result> {
    const actor = askerNow() ?? this.#actor
    const result = this.#busy.then(async () => {
      await this.#engine.halting.record(this.#asItself)
      this.#engine = { ...this.#engine, actor }
      return deed(this.#engine)
    })
    this.#busy = result.catch(() => {})
    return result
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Milliseconds. A peer that is well acknowledges a bundle in a few; nobody waits long for one that is not. */
const PEERS_KNOW_WITHIN = 2_000

/** What is opened once, at the start, by the names that the config file has for it. */
function placesOf({ paths, authority, environment }: Config): Record<string, string | undefined> {
  const { state, storeCaKeysInClear, listen, log } = authority
  return {
    'paths.ca_cert': paths.caCert,
    'paths.ca_key': paths.caKey,
    'paths.crl': paths.crl,
    'authority.state': state,
    'authority.store_ca_keys_in_clear': String(storeCaKeysInClear),
    'authority.listen': JSON.stringify(listen),
    'authority.log': JSON.stringify(log),
    environment,
  }
}

/** Where nothing may be signed now, peers on other hosts have to wait until that is mended, and `apply` says it. */
async function makeOwnPair(engine: Engine): Promise<void> {
  try {
    checkState(engine)
  } catch (error) {
    if (error instanceof AuthorityError) return
    throw error
  }
  await engine.ownPair.renew(engine)
}
