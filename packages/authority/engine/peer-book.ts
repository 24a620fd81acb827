import { compareDocumentNumbers, type DocumentNumber, type Report } from '@datapunk/protocol'
import type { AcknowledgementRow } from '../store/rows.ts'

/** The certificate whose key speaks for a peer. */
export interface Speaker {
  /** Lowercase hex. */
  readonly serial: string
  /** It is revoked: its peer is told what is published, and waited for by nobody. */
  readonly revoked: boolean
}

/** A peer that speaks to this authority now, or did until a moment ago. */
export interface LivePeer extends Speaker {
  /** The running process, as it named itself. */
  readonly peer: string
  readonly service: string
  readonly instance: string
  readonly version: string
  /** Milliseconds since the epoch. */
  readonly since: number
  /** What it has said it enforces. */
  readonly acknowledged: PeerAcknowledgement | undefined
  readonly report: Report | undefined
  /** Which one that is of all that have come, counted from 1. */
  readonly reportNumber: number | undefined
  /** What it last said it did not believe. */
  readonly refusal: { readonly rule: string; readonly message: string } | undefined
  /** When its stream ended, by the monotonic clock; undefined while that is open. */
  readonly leftAt: number | undefined
}

export interface PeerAcknowledgement {
  readonly number: DocumentNumber
  readonly trustStatement: DocumentNumber
  readonly at: number
}

/** Live is who has an open stream, or was seen in this time. Milliseconds. */
export const LIVENESS = 30_000

/** Of one instance: who takes ever new names, and says of none that it ends, is remembered no further. */
const MOST_RUNNING = 1024

/**
 * Who is live, and what each enforces. Kept in memory: whoever is live says it again after the authority was started, within
 * `LIVENESS`; until then `isComplete` is false, and nobody may take silence for absence.
 */
export class PeerBook {
  readonly #clock: () => number
  readonly #monotonic: () => number
  readonly #peers = new Map<string, LivePeer>()
  /** Of each instance that has come since the authority was started, the processes that have not said that they end, or enough of them. */
  readonly #running = new Map<string, Set<string>>()
  readonly #listeners = new Set<() => void>()
  /** By the monotonic clock. */
  #servedSince: number | undefined
  #reports = 0

  /**
   * @param clock milliseconds since the epoch, for what is told
   * @param monotonic milliseconds since some moment, for how long ago something was: a clock that is set right makes nobody live,
   *   and nobody silent
   */
  constructor(clock: () => number, monotonic = clock) {
    this.#clock = clock
    this.#monotonic = monotonic
  }

  /** Peers can reach this authority from now on. */
  opened(): void {
    this.#servedSince = this.#monotonic()
  }

  closed(): void {
    this.#servedSince = undefined
  }

  /** Whether peers can reach this authority at all. */
  get isServed(): boolean {
    return this.#servedSince !== undefined
  }

  /** When whoever is live will have come; undefined where peers can't reach this authority. */
  get completeAt(): number | undefined {
    if (this.#servedSince === undefined) return undefined
    return this.#clock() + this.#servedSince + LIVENESS - this.#monotonic()
  }

  get isComplete(): boolean {
    return this.#servedSince !== undefined && this.#monotonic() - this.#servedSince >= LIVENESS
  }

  /** Calls after every change of who is live or of what somebody enforces. @returns takes it back */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  live(): readonly LivePeer[] {
    const gone = this.#monotonic() - LIVENESS
    for (const { peer, leftAt } of this.#peers.values()) {
      if (leftAt !== undefined && leftAt < gone) this.#peers.delete(peer)
    }
    return [...this.#peers.values()]
  }

  /**
   * Whether every process of an instance that was seen has said that it ends, to this authority or, where none has come since,
   * to the one before: only then is its silence an absence. Whoever just fell silent may be cut off, and go on with what it
   * knows.
   */
  hasLeft({ instance, leftAt }: Pick<AcknowledgementRow, 'instance' | 'leftAt'>): boolean {
    const running = this.#running.get(instance)
    return running === undefined ? leftAt !== undefined : running.size === 0
  }

  arrived(peer: Pick<LivePeer, 'peer' | 'service' | 'instance' | 'version'> & Speaker): void {
    this.#remember(peer)
    const known = this.#peers.get(peer.peer)
    this.#peers.set(peer.peer, {
      since: this.#clock(),
      acknowledged: known?.acknowledged,
      report: known?.report,
      reportNumber: known?.reportNumber,
      refusal: undefined,
      leftAt: undefined,
      ...peer,
    })
    this.#changed()
  }

  /** Where there are too many one stays that never came, and so never says that it ends: of such an instance silence is no absence. */
  #remember({ instance, peer }: Pick<LivePeer, 'instance' | 'peer'>): void {
    const running = this.#running.get(instance) ?? new Set()
    this.#running.set(instance, running.add(running.size < MOST_RUNNING ? peer : ''))
  }

  acknowledged(
    peer: string,
    { number, trustStatement, serial, revoked }: Omit<PeerAcknowledgement, 'at'> & Speaker,
  ): void {
    const acknowledged = { number, trustStatement, at: this.#clock() }
    this.#change(peer, { acknowledged, refusal: undefined, serial, revoked })
  }

  /** These certificates are revoked from now on. */
  revoked(serials: ReadonlySet<string>): void {
    for (const { peer, serial } of this.#peers.values()) {
      if (serials.has(serial)) this.#change(peer, { revoked: true })
    }
  }

  reported(peer: string, report: Report): void {
    this.#change(peer, { report, reportNumber: ++this.#reports })
  }

  /** How many reports have come since the authority was started. */
  get reports(): number {
    return this.#reports
  }

  refused(peer: string, refusal: { rule: string; message: string }): void {
    this.#change(peer, { refusal })
  }

  /**
   * @param forGood it said that it ends, so nobody waits for it
   * @returns whether it was the last of its instance
   */
  left(peer: string, forGood: boolean): boolean {
    const running = this.#running.get(this.#peers.get(peer)?.instance ?? '')
    if (forGood) {
      running?.delete(peer)
      this.#peers.delete(peer)
    } else this.#change(peer, { leftAt: this.#monotonic() })
    this.#changed()
    return running?.size === 0
  }

  /** Live peers that have not said that they enforce this bundle, or a later one; whoever is revoked is not asked. */
  lateFor(number: DocumentNumber): readonly LivePeer[] {
    return this.live().filter(
      ({ acknowledged, revoked }) =>
        !revoked && (acknowledged === undefined || compareDocumentNumbers(acknowledged.number, number) < 0),
    )
  }

  #change(peer: string, change: Partial<LivePeer>): void {
    const known = this.#peers.get(peer)
    if (known === undefined) return
    this.#peers.set(peer, { ...known, ...change })
    this.#changed()
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}
