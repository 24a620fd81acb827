import {
  formatDocumentNumber,
  MAX_SHOWN_TRUST,
  type PeerMessage,
  REPORT_EVERY,
  type Report,
  sealAcknowledgement,
  sealHello,
} from '@datapunk/protocol'
import type { SignedCheckpoint } from '@datapunk/tlog'
import { AuthorityLink } from '../authority/authority-link.ts'
import { type AuthorityPlace, AuthorityRoute } from '../authority/authority-route.ts'
import type { FetchSection, OfferedDocument } from '../authority/offered-documents.ts'
import type { Clock } from '../clock.ts'
import type { MeshError } from '../error.ts'
import type { Current } from '../gate/current.ts'
import manifest from '../package.json' with { type: 'json' }
import type { Refusal } from '../refusal.ts'
import type { LogAlarm } from '../transparency/log-watch.ts'
import { Rounds } from './rounds.ts'

export interface PeerVoiceOptions {
  readonly place: () => AuthorityPlace
  readonly clock: Clock
  readonly random: (size: number) => Buffer
  readonly current: () => Current
  /** Fulfilled when that was kept, or could not be. */
  readonly kept: () => Promise<void>
  /** What was seen last of each log. */
  readonly checkpoints: () => readonly (SignedCheckpoint & { readonly log: string })[]
  readonly report: () => Omit<Report, 'serial' | 'version' | 'bundle'>
  readonly received: (document: OfferedDocument) => void
  /** Told of whoever answered in the authority's place, … */
  readonly refused: (refusal: Refusal) => void
  /** … and why the authority on another host can't be spoken to. */
  readonly failed: (error: MeshError) => void
}

/** Formats of the bundle that this version reads. */
const FORMATS = [1]

/**
 * Who was refused, or is connected and was not, is told before the next report is due, together with those that come at the same
 * time, and at most so often: whoever comes on and on makes nobody talk on and on. Milliseconds.
 */
const GATHERED_FOR = 100
const SOON_EVERY = 2000

const alarmRules: Readonly<Record<LogAlarm['kind'], string>> = {
  absent: 'NOT_IN_LOG',
  contradiction: 'LOG_CONTRADICTION',
  misissued: 'MISISSUED',
}

type AlarmMessage = PeerMessage & { readonly type: 'refusal' }

/** Of several it is the first that tell what happened. */
const MAX_UNTOLD = 16

/** What a service says to the authority: who it is, what it enforces, how it is. */
export class PeerVoice {
  readonly #options: PeerVoiceOptions
  readonly #link: AuthorityLink
  /** This process, among those that may share the instance. */
  readonly #peer: string
  #acknowledged = ''
  readonly #acknowledging = new Rounds(() => this.#acknowledge())
  /** Alarms of when nobody listened. */
  readonly #untold: AlarmMessage[] = []
  #cancelReport = () => {}
  #soon: { readonly at: number; readonly cancel: () => void } | undefined
  #reportedAt = Number.NEGATIVE_INFINITY

  constructor(options: PeerVoiceOptions) {
    this.#options = options
    const { place, current, refused, clock, random, received, failed } = options
    this.#peer = random(16).toString('hex')
    this.#link = new AuthorityLink({
      route: new AuthorityRoute({ place, current, clock, refused }),
      ...{ clock, random, received, failed },
      greet: (nonce) => this.#hello(nonce),
      opened: () => {
        this.#acknowledged = ''
        void this.acknowledge()
        this.#reportOnAndOn()
      },
      heard: () => {
        for (const alarm of this.#untold.splice(0)) this.#link.send(alarm)
      },
    })
  }

  /** Whether the authority hears it now. */
  get isHeard(): boolean {
    return this.#link.isHeard
  }

  readonly fetchSection: FetchSection = (ref, base, signal) => this.#link.section(ref, base, signal)

  tryNow(): void {
    this.#link.tryNow()
  }

  /** Pair or trust are others than before. */
  changed(): void {
    this.#link.changed()
  }

  /** Says what is enforced now, once, and when a restart can't take it back any more; of two changes the later one last. */
  acknowledge(): Promise<void> {
    return this.#acknowledging.run()
  }

  async #acknowledge(): Promise<void> {
    await this.#options.kept()
    if (!this.#link.isOpen) return
    const { identity, view } = this.#options.current()
    const { bundle, trust } = view
    const said = `${formatDocumentNumber(bundle.head.number)} ${formatDocumentNumber(trust.number)}`
    if (said === this.#acknowledged) return
    this.#acknowledged = said
    const document = await sealAcknowledgement(
      {
        meshId: trust.meshId,
        peer: this.#peer,
        serial: identity.leaf.serial,
        bundleKey: bundle.signedBy,
        number: bundle.head.number,
        digest: bundle.digest,
        trustStatement: trust.number,
        checkpoints: this.#options
          .checkpoints()
          .map(({ log, size, root }) => ({ log, size, root: Buffer.from(root).toString('base64') })),
      },
      identity.signer(),
    )
    this.#link.send({ type: 'acknowledgement', document })
  }

  /** Something has changed that whoever looks at the mesh is to see. */
  reportSoon(): void {
    this.#reportWithin(Math.max(GATHERED_FOR, SOON_EVERY - (this.#options.clock.now() - this.#reportedAt)))
  }

  /** Connections were cut: that comes with a new bundle or the end of a certificate, and not on and on. */
  reportCuts(): void {
    this.#reportWithin(GATHERED_FOR)
  }

  #reportWithin(delay: number): void {
    if (!this.#link.isOpen) return
    const { clock } = this.#options
    const at = clock.now() + Math.min(delay, SOON_EVERY)
    if (this.#soon !== undefined && this.#soon.at <= at) return
    this.#soon?.cancel()
    const cancel = clock.after(at - clock.now(), () => {
      this.#soon = undefined
      this.report()
    })
    this.#soon = { at, cancel }
  }

  report(): void {
    this.#reportedAt = this.#options.clock.now()
    const { identity, view } = this.#options.current()
    this.#link.send({
      type: 'report',
      report: {
        ...this.#options.report(),
        serial: identity.leaf.serial,
        version: manifest.version,
        bundle: view.bundle.head.number,
      },
    })
  }

  refused({ code, data, message }: MeshError): void {
    const rule = typeof data.rule === 'string' ? data.rule : code
    this.#link.send({ type: 'refusal', rule: rule.slice(0, 64), message: message.slice(0, 2000) })
  }

  /** Whoever runs the authority hears of it there, as soon as it listens. */
  alarm({ kind, message }: LogAlarm): void {
    const alarm = { type: 'refusal', rule: alarmRules[kind], message: message.slice(0, 2000) } as const
    if (this.#link.isHeard) this.#link.send(alarm)
    else if (this.#untold.length < MAX_UNTOLD) this.#untold.push(alarm)
  }

  leave(): void {
    this.#cancelReport()
    this.#soon?.cancel()
    this.#link.close({ type: 'leave' })
  }

  async #hello(nonce: string) {
    const { identity, view } = this.#options.current()
    const { bundle, trust } = view
    const document = await sealHello(
      {
        meshId: trust.meshId,
        peer: this.#peer,
        serial: identity.leaf.serial,
        nonce,
        version: manifest.version,
        formats: FORMATS,
        trustStatement: trust.number,
        bundle: bundle.head.number,
      },
      identity.signer(),
    )
    const shown = trust.bytes.byteLength <= MAX_SHOWN_TRUST ? trust.bytes : undefined
    return { type: 'hello', document, head: bundle.bytes, trust: shown } as const
  }

  #reportOnAndOn(): void {
    this.#cancelReport()
    if (!this.#link.isOpen) return
    this.report()
    this.#cancelReport = this.#options.clock.after(REPORT_EVERY, () => this.#reportOnAndOn())
  }
}
