import type { ChildProcess } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { type Config, layoutOf } from '@datapunk/protocol'
import { adoptCa } from './adopt.ts'
import { type ApplyOptions, type ApplyReport, apply, planOf } from './apply.ts'
import { actorText, askerNow } from './audit/asker.ts'
import { type BackupReport, backUp } from './backup/back-up.ts'
import { backupPassphrase } from './backup/backup-passphrase.ts'
import { continueFromHere } from './backup/continue-from-here.ts'
import type { NextGeneration } from './backup/next-generation.ts'
import { clearStaging, settleRestore } from './backup/settle.ts'
import { checkNoForeignCa, checkState } from './check-state.ts'
import { handOver } from './delivery/hand-over.ts'
import { Disk } from './disk/disk.ts'
import { OwnerBook } from './disk/owner.ts'
import type { AuthorityEvent, Engine } from './engine.ts'
import { AuthorityError } from './error.ts'
import { activeSlot } from './found.ts'
import { halt } from './halt.ts'
import { issueConsole } from './issue-console.ts'
import { announceCsrKey, issueForCsr, notAMember } from './issue-csr.ts'
import { issueNow } from './issue-now.ts'
import { type IssuedOperator, issueOperator } from './issue-operator.ts'
import type { IssuedChain } from './issue-pair.ts'
import { KeyStore } from './keys/key-store.ts'
import { type FoundPassphrase, passphraseOnce } from './keys/passphrase.ts'
import { acquireLock, type Lock } from './lock.ts'
import { authorityFault, type Measurements, measure } from './measurements.ts'
import { OutageWatch } from './outage-budget.ts'
import { EnforcementWatch } from './peers/enforcement-watch.ts'
import { type LiveService, liveService } from './peers/live-service.ts'
import { OwnPair } from './peers/own-pair.ts'
import { PeerBook } from './peers/peer-book.ts'
import { type PeerServer, servePeers } from './peers/serve-peers.ts'
import { announceKeys } from './pinning/announce-keys.ts'
import { type SuspendedPins, suspendPins } from './pinning/suspend.ts'
import type { Plan } from './plan.ts'
import { type ProbePairs, prepareProbe } from './probe/prepare-probe.ts'
import {
  type RefusedCallersAnswer,
  type RefusedCallersRequest,
  refusedCallersOf,
} from './probe/refused-callers.ts'
import { purge } from './purge.ts'
import type { ReadElsewhere } from './responder/log-shelf.ts'
import { Responder, type ResponderHost } from './responder/responder.ts'
import { type Enforcement, type EnforcementRequest, enforcementOf } from './revocation/enforcement.ts'
import { previewRevocation, type RevokePreview } from './revocation/preview.ts'
import { letIn, type RevokeReport, type RevokeRequest, revoke } from './revocation/revoke.ts'
import type { RevokeTarget } from './revocation/targets.ts'
import {
  previewRotation,
  type RotatePreview,
  type RotateReport,
  type RotateRequest,
  rotate,
} from './rotate.ts'
import { type Status, statusOf } from './status.ts'
import { SqliteStore } from './store/sqlite.ts'
import { type AsAuthority, noLog, type OpenLog } from './transparency/certificate-log.ts'
import { LogMonitor } from './transparency/log-monitor.ts'
import { LogSeat } from './transparency/log-seat.ts'

/** What can be asked of an authority, in this process or over its socket. */
export interface Administration {
  plan(): Promise<Plan>
  apply(options: ApplyOptions): Promise<ApplyReport>
  /** A new pair for a service, now. @throws AuthorityError `NOT_A_MEMBER` */
  issue(service: string): Promise<IssuedChain>
  /** @param csr PKCS#10, PEM or DER */
  issueForCsr(service: string, csr: Uint8Array): Promise<IssuedChain>
  /** A certificate for a person who may come to the console. @param csr PKCS#10, PEM or DER @throws AuthorityError `NOT_AN_OPERATOR` */
  issueOperator(operator: string, csr: Uint8Array): Promise<IssuedOperator>
  rotate(request: RotateRequest): Promise<RotateReport>
  /** What `rotate` would touch; changes nothing. */
  previewRotation(request: RotateRequest): Promise<RotatePreview>
  /** Nobody is to accept these certificates any more. @throws AuthorityError `NOT_REVOCABLE` */
  revoke(request: RevokeRequest): Promise<RevokeReport>
  /** What `revoke` would take away; changes nothing. */
  previewRevocation(targets: readonly RevokeTarget[]): Promise<RevokePreview>
  /** Who enforces a bundle, once every live peer does, or the wait is over. */
  enforcement(request: EnforcementRequest): Promise<Enforcement>
  /**
   * For so long, milliseconds, nobody is refused for his key, whatever the config says; undefined ends it.
   *
   * @throws AuthorityError `NOTHING_PINNED`
   */
  suspendPins(span: number | undefined): Promise<SuspendedPins>
  /** What `mtls probe` shows; makes the probe a member where it is none. @throws AuthorityError `SERVICE_BARRED` */
  prepareProbe(): Promise<ProbePairs>
  /** Whom live peers have refused, by their reports, once there is a new one, or the wait is over. */
  refusedCallers(request: RefusedCallersRequest): Promise<RefusedCallersAnswer>
  /** Removes the files of removed services. @returns the paths removed */
  purge(): Promise<readonly string[]>
  status(): Promise<Status>
  /** How the processes of a service are now. */
  liveService(service: string): Promise<LiveService>
  /** All of this authority in one encrypted file, while it goes on working. */
  backup(request: BackupRequest): Promise<BackupMade>
  /** Goes on from a state folder that may not be the newest of its mesh, under a new generation and a new bundle key. */
  continueFromHere(): Promise<NextGeneration>
}

export interface BackupRequest {
  /** Absolute. */
  readonly file: string
  /** With a passphrase for the backup alone; absolute. Default: the passphrase of the CA keys. */
  readonly passphraseFile?: string | undefined
}

export interface BackupMade extends BackupReport {
  /** The passphrase that opens it lies in the state folder, of which it is the backup. */
  readonly passphraseInState: boolean
}

export interface AuthorityOptions {
  readonly config: Config
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  readonly randomBytes: (length: number) => Uint8Array
  /** Environment variables; the passphrase is removed from them. */
  readonly environment: Record<string, string | undefined>
  readonly pid: number
  /** The user ID of this process, for the audit; undefined where the system has none. */
  readonly uid?: number | undefined
  /** For whoever finds the lock taken, and for the audit: `apply`, `up`, `issue`. */
  readonly purpose: string
  readonly report?: (event: AuthorityEvent) => void
  /** The CA at `paths.ca_cert` and `paths.ca_key` is to be taken over (`adopt`), so it may be there already. */
  readonly adopting?: boolean
  readonly disk?: Disk
  /** How to come by the transparency log; without it nothing is issued, unless the config says `transparency: off`. */
  readonly openLog?: OpenLog
  /** How to read a log that runs elsewhere, for peers that can't reach it themselves. */
  readonly readLogElsewhere?: ReadElsewhere
}

/** The authority at work: it holds the lock of its state folder until it is closed. */
export class Authority implements Administration {
  #engine: Engine
  /** On whose behalf this does what nobody asked for over the socket. */
  readonly #actor: string
  readonly #lock: Lock
  /** One deed at a time: the tail of the queue. */
  #busy: Promise<unknown> = Promise.resolve()
  /** Backups share the place of their snapshot: the tail of their queue. */
  #backingUp: Promise<unknown> = Promise.resolve()
  readonly #passphrase: () => FoundPassphrase
  readonly #readElsewhere: ReadElsewhere | undefined
  #peerServer: PeerServer | undefined
  #responder: Responder | undefined
  #closing: Promise<void> | undefined
  #lastApply: ApplyReport | undefined
  /** Why the last apply failed as a whole. */
  #applyFailure: string | undefined
  readonly #enforcement: EnforcementWatch
  readonly #outage = new OutageWatch()
  readonly #logMonitor: LogMonitor

  /**
   * Takes the lock, opens the inventory and finds the passphrase. Nothing is made yet but the folders.
   *
   * @throws AuthorityError `LOCKED`, `PERMISSIONS`, `STORE_FAILED`, `CA_WITHOUT_INVENTORY`
   */
  static async open(options: AuthorityOptions): Promise<Authority> {
    const { config, clock, randomBytes, pid, uid, purpose, disk = new Disk() } = options
    const actor = actorText({ purpose, uid }, 'proven')
    const layout = layoutOf(config)
    settleRestore(layout, disk)
    // Refused before anything is made, so that a state folder can still be put back where it was.
    const isNew = disk.kindOf(layout.authority.inventory) === undefined
    if (isNew && !options.adopting) checkNoForeignCa({ config, layout, disk })
    disk.ensureFolder(layout.state, 0o755)
    disk.ensureFolder(layout.authority.dir, 0o700)
    const hookEnvironment = { ...options.environment }
    delete hookEnvironment.MTLS_CA_PASSPHRASE
    const lock = acquireLock(layout.authority.lock, { pid, purpose, now: clock() })
    try {
      clearStaging(layout, disk)
      const store = SqliteStore.open({ file: layout.authority.inventory, disk })
      const passphrase = passphraseOnce({
        disk,
        passphraseFile: config.authority.passphraseFile,
        environment: options.environment,
        stateFile: layout.authority.passphrase,
        state: layout.state,
        // Where a mesh has no keys yet and nobody gave one, it is made.
        create: () => (store.slots().length === 0 ? randomBytes : undefined),
      })
      const keys = new KeyStore({
        disk,
        folder: layout.authority.keys,
        rootKey: config.paths.caKey,
        passphrase: () => passphrase().passphrase,
        storeInClear: config.authority.storeCaKeysInClear,
        randomBytes,
        used: ({ id }, signatures) => {
          const entry = { slot: id, signatures }
          const row = { at: clock(), actor: askerNow() ?? actor, deed: 'key-used', entry } as const
          return store.write((transaction) => transaction.addAudit(row))
        },
      })
      const { openLog = noLog } = options
      const asAuthority: AsAuthority = (use) => keys.withSigner(activeSlot({ store }, 'bundle-key'), use)
      const engine: Engine = {
        config,
        layout,
        store,
        disk,
        owners: new OwnerBook(disk),
        keys,
        peers: new PeerBook(clock),
        ownPair: new OwnPair(),
        logSeat: new LogSeat((wanted) => openLog(wanted, asAuthority)),
        push: () => {},
        staple: async () => undefined,
        handOver: (handover) => handOver(handover, { environment: hookEnvironment, clock }),
        clock,
        randomBytes,
        actor,
        report: options.report ?? (() => {}),
      }
      return new Authority(engine, lock, passphrase, options.readLogElsewhere)
    } catch (error) {
      lock.release()
      throw error
    }
  }

  private constructor(
    engine: Engine,
    lock: Lock,
    passphrase: () => FoundPassphrase,
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
    }
    this.#actor = engine.actor
    this.#passphrase = passphrase
    this.#lock = lock
    this.#enforcement = new EnforcementWatch(this.#engine)
    this.#logMonitor = new LogMonitor(() => this.#engine)
  }

  /**
   * Goes on under another version of the same config file.
   *
   * @throws AuthorityError `RESTART_NEEDED` when it names other places for what is open already
   */
  configure(config: Config): void {
    const now = this.#engine.config
    if (placesOf(config) !== placesOf(now)) {
      throw new AuthorityError(
        'RESTART_NEEDED',
        `found other paths, authority.state, authority.listen, authority.log, authority.passphrase_file or authority.store_ca_keys_in_clear in ${config.file} than at the start; allowed: those. Restart \`mtls up\` to go on with the new ones`,
      )
    }
    this.#engine = { ...this.#engine, config }
  }

  /**
   * Lets peers in from now on, until this is closed.
   *
   * @throws AuthorityError `LISTEN_FAILED`
   */
  async servePeers(): Promise<void> {
    const { layout, disk, config } = this.#engine
    disk.ensureFolder(layout.mesh.dir, 0o755)
    const streaming = {
      ...this.#engine,
      halt: (evidence: string) => void halt({ ...this.#engine, actor: this.#actor }, evidence),
      readElsewhere: this.#readElsewhere,
    }
    const places = { socket: layout.mesh.socket, listen: config.authority.listen }
    this.#peerServer = await servePeers(streaming, places)
    this.#enforcement.start()
    this.#logMonitor.start()
    await this.#inTurn(() => this.#makeOwnPair())
  }

  /**
   * Serves lists and OCSP from now on, by a process that holds no CA key, until this is closed; where `authority.http` says so.
   *
   * @param start starts that process, whose program calls `runResponder`
   */
  serveStatus(start: () => ChildProcess): void {
    const { config, layout, clock, report } = this.#engine
    if (config.authority.http === undefined) return
    const inTurn: ResponderHost['inTurn'] = (deed) =>
      this.#inTurn(() => {
        checkState(this.#engine)
        return deed(this.#engine)
      })
    this.#responder = new Responder({ config, layout, clock, report, start, inTurn })
  }

  /** Where lists and OCSP are served, once they are. */
  get statusPort(): number | undefined {
    return this.#responder?.port
  }

  /** Where peers on other hosts come in, once they are served. */
  get address(): AddressInfo | undefined {
    return this.#peerServer?.address
  }

  get peers(): PeerBook {
    return this.#engine.peers
  }

  plan(): Promise<Plan> {
    return this.#inTurn(() => planOf(this.#engine))
  }

  apply(options: ApplyOptions): Promise<ApplyReport> {
    return this.#inTurn(async () => {
      try {
        this.#lastApply = await apply(this.#engine, options)
        this.#applyFailure = undefined
        return this.#lastApply
      } catch (error) {
        this.#applyFailure = error instanceof Error ? error.message : String(error)
        throw error
      }
    })
  }

  /** The mesh in numbers, now. Not in turn: readers wait for nobody. */
  measure(): Measurements {
    const services = this.#engine.config.authority.metricsServices
    return measure(this.#engine, { services, last: this.#lastApply, failure: this.#applyFailure })
  }

  /** Why nothing can be published or issued now, and what repairs it; undefined where it can. */
  get fault(): string | undefined {
    return authorityFault(this.#engine, this.#applyFailure)
  }

  /** Takes the CA at `paths.ca_cert` and `paths.ca_key` over as this mesh's root. */
  adopt(): Promise<void> {
    return this.#inTurn(() => adoptCa(this.#engine))
  }

  async issue(service: string): Promise<IssuedChain> {
    await this.#peersKnow(() => announceKeys(this.#engine))
    return this.#inTurn(async () => {
      checkState(this.#engine)
      const row = this.#engine.store
        .services()
        .find((one) => one.service === service && one.state === 'member')
      if (row === undefined) throw notAMember(service, this.#engine)
      await letIn(this.#engine, service)
      return issueNow(this.#engine, row)
    })
  }

  async issueForCsr(service: string, csr: Uint8Array): Promise<IssuedChain> {
    await this.#peersKnow(() => announceCsrKey(this.#engine, service, csr))
    return this.#inTurn(async () => {
      checkState(this.#engine)
      const issued = await issueForCsr(this.#engine, service, csr)
      await letIn(this.#engine, service)
      return issued
    })
  }

  issueOperator(operator: string, csr: Uint8Array): Promise<IssuedOperator> {
    return this.#inTurn(() => {
      checkState(this.#engine)
      return issueOperator(this.#engine, operator, csr)
    })
  }

  /**
   * A certificate for the process that serves the console to operators elsewhere.
   *
   * @param spki DER SubjectPublicKeyInfo
   * @returns PEM: leaf, then issuing CA
   */
  certifyConsole(spki: Uint8Array): Promise<string> {
    return this.#inTurn(() => {
      checkState(this.#engine)
      return issueConsole(this.#engine, spki)
    })
  }

  async rotate(request: RotateRequest): Promise<RotateReport> {
    if (request.what === 'pairs') await this.#peersKnow(() => announceKeys(this.#engine))
    return this.#inTurn(async () => {
      checkState(this.#engine)
      return rotate(this.#engine, request)
    })
  }

  previewRotation(request: RotateRequest): Promise<RotatePreview> {
    return this.#inTurn(() => previewRotation(this.#engine, request))
  }

  revoke(request: RevokeRequest): Promise<RevokeReport> {
    return this.#inTurn(async () => {
      checkState(this.#engine)
      return revoke(this.#engine, request)
    })
  }

  previewRevocation(targets: readonly RevokeTarget[]): Promise<RevokePreview> {
    return this.#inTurn(() => previewRevocation(this.#engine, targets))
  }

  /** Not in turn: whoever waits for peers keeps nobody from work. */
  enforcement(request: EnforcementRequest): Promise<Enforcement> {
    return enforcementOf(this.#engine, request)
  }

  suspendPins(span: number | undefined): Promise<SuspendedPins> {
    return this.#inTurn(() => {
      checkState(this.#engine)
      return suspendPins(this.#engine, span)
    })
  }

  /** Tells, as an event, when the mesh could not go on for long without this authority. */
  lookAtOutage(): void {
    this.#outage.look(this.#engine)
  }

  prepareProbe(): Promise<ProbePairs> {
    return this.#inTurn(() => {
      checkState(this.#engine)
      return prepareProbe(this.#engine)
    })
  }

  /** Not in turn, as `enforcement`. */
  refusedCallers(request: RefusedCallersRequest): Promise<RefusedCallersAnswer> {
    return refusedCallersOf(this.#engine, request)
  }

  purge(): Promise<readonly string[]> {
    return this.#inTurn(() => purge(this.#engine))
  }

  status(): Promise<Status> {
    return this.#inTurn(() => statusOf(this.#engine))
  }

  async liveService(service: string): Promise<LiveService> {
    return liveService(this.#engine, service)
  }

  backup({ file, passphraseFile }: BackupRequest): Promise<BackupMade> {
    const engine = { ...this.#engine, actor: askerNow() ?? this.#actor }
    const made = this.#backingUp.then(async () => {
      let passphraseInState = false
      const passphrase = async () => {
        const found = await backupPassphrase(this.#engine, passphraseFile, this.#passphrase)
        passphraseInState = found.unprotected
        return found.passphrase
      }
      const report = await backUp(engine, { file, passphrase }, (deed) => this.#inTurn(deed))
      return { ...report, passphraseInState }
    })
    this.#backingUp = made.catch(() => {})
    return made
  }

  continueFromHere(): Promise<NextGeneration> {
    return this.#inTurn(() => continueFromHere(this.#engine))
  }

  /** Waits for what is being done, and lets go of the lock. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#enforcement.stop()
    await this.#logMonitor.stop()
    await this.#peerServer?.close()
    await this.#responder?.close()
    await this.#backingUp
    await this.#busy
    await this.#engine.logSeat.close()
    this.#engine.store.close()
    this.#lock.release()
  }

  /** Peers need a moment for keys that were just announced; whoever is late after that keeps the deed, not the others, waiting. */
  async #peersKnow(announce: () => Promise<unknown>): Promise<void> {
    await this.#inTurn(() => {
      checkState(this.#engine)
      return announce()
    })
    const bundle = this.#engine.store.bundle()
    if (bundle !== undefined) await enforcementOf(this.#engine, { bundle, wait: PEERS_KNOW_WITHIN })
  }

  /** Where nothing may be signed now, peers on other hosts have to wait until that is mended, and `apply` says it. */
  async #makeOwnPair(): Promise<void> {
    try {
      checkState(this.#engine)
    } catch (error) {
      if (error instanceof AuthorityError) return
      throw error
    }
    await this.#engine.ownPair.renew(this.#engine)
  }

  #inTurn<Result>(deed: () => Result | Promise<Result>): Promise<Result> {
    const actor = askerNow() ?? this.#actor
    const result = this.#busy.then(() => {
      this.#engine = { ...this.#engine, actor }
      return deed()
    })
    this.#busy = result.catch(() => {})
    return result
  }
}

/** Milliseconds. A peer that is well acknowledges a bundle in a few; nobody waits long for one that is not. */
const PEERS_KNOW_WITHIN = 2_000

/** What is opened once, at the start. */
function placesOf({ paths, authority, environment }: Config): string {
  const { state, passphraseFile, storeCaKeysInClear, listen, log } = authority
  return JSON.stringify([paths, state, passphraseFile, storeCaKeysInClear, listen, log, environment])
}
