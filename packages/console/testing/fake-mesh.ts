import type {
  ConsoleAction,
  ConsoleAudit,
  ConsoleDone,
  ConsoleEvent,
  ConsoleLink,
  ConsoleLog,
  ConsoleMesh,
  ConsolePlan,
  ConsoleProof,
  ConsoleRevocation,
  ConsoleRoll,
  ConsoleServiceDetail,
  ConsoleSlot,
  ConsoleState,
} from '@datapunk/protocol/console'
import { LiveView } from '../server/live-view.ts'
import type { ConsoleSource } from '../server/source.ts'
import { FakeLog } from './fake-log.ts'
import { callsOf, nameOf } from './fake-mesh-names.ts'
import { FakeService } from './fake-service.ts'

const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR
const PAGE = 25

export interface FakeMeshOptions {
  /** How many; 0: before the first apply. */
  readonly services: number
  /** Milliseconds since the epoch. */
  readonly clock: () => number
}

type AuditEntry = ConsoleAudit['entries'][number]

/** A mesh that is none, for tests and for looking at the page: the same number of services is the same mesh. */
export class FakeMesh implements ConsoleSource {
  readonly live = new LiveView()
  readonly services = new Map<string, FakeService>()
  links: ConsoleLink[] = []
  revocations: ConsoleRevocation[] = []
  rolls: ConsoleRoll[] = []
  slots: ConsoleSlot[]
  faults: string[] = []
  asks: string[] = []
  /** Why every action is refused; undefined where none is. */
  refusal: string | undefined
  readonly #audit: AuditEntry[] = []
  readonly #log: FakeLog
  readonly #clock: () => number
  #number = 42

  constructor({ services, clock }: FakeMeshOptions) {
    this.#clock = clock
    this.#log = new FakeLog(clock)
    for (let number = 0; number < services; number++) {
      const service = new FakeService(nameOf(number), number, clock(), this.bundle)
      this.services.set(service.service, service)
      for (const [other, count] of callsOf(number))
        this.links.push({ caller: service.service, callee: nameOf(other), count })
      for (const { certificates } of service.instances)
        for (const { serial, notAfter } of certificates.toReversed())
          this.#log.add(serial, `${service.service}.service.datapunk`, notAfter)
      this.#record('operator', 'certificate issued', `${service.service}, until 2027-02-01T00:00:00Z`)
    }
    this.slots = services === 0 ? [] : slotsAt(clock())
    this.live.onWatched = () => this.show()
  }

  get bundle(): string {
    return `1.${this.#number}`
  }

  /** Tells whoever looks what has changed. */
  show(): void {
    this.live.show({
      mesh: this.#mesh(),
      services: [...this.services.values()]
        .map((one) => one.view(this.bundle))
        .sort((a, b) => (a.service < b.service ? -1 : 1)),
      links: this.links,
      revocations: this.revocations,
    })
  }

  /** The authority does not answer, or answers again. */
  authority(reachable: boolean): void {
    this.live.authority(reachable, reachable ? 'the authority answers' : 'The authority does not answer.')
  }

  happened(kind: string, subject: string, text: string, state: ConsoleState = 'good'): void {
    const event: ConsoleEvent = { at: new Date(this.#clock()).toISOString(), kind, subject, text, state }
    this.live.happened([event])
  }

  /** A new bundle; those who are named go on enforcing the one before. */
  publish(...late: readonly string[]): void {
    this.#number++
    for (const { instances } of this.services.values())
      for (const one of instances)
        if (one.live > 0 && !late.includes(one.instance)) one.enforced = this.bundle
    this.happened('bundle-published', 'mesh', `number ${this.bundle}`)
    this.show()
  }

  async service(name: string): Promise<ConsoleServiceDetail | undefined> {
    return this.services.get(name)?.detail(this.#clock() - 3 * HOUR)
  }

  async audit(before = Number.POSITIVE_INFINITY): Promise<ConsoleAudit> {
    const entries = this.#audit.filter(({ number }) => number < before).slice(-PAGE)
    const root = Buffer.alloc(32, this.#audit.length).toString('base64')
    return { entries: entries.reverse(), size: this.#audit.length, root }
  }

  log(before: number | undefined): Promise<ConsoleLog | undefined> {
    return this.#log.page(before)
  }

  proof(serial: string): Promise<ConsoleProof | undefined> {
    return this.#log.proof(serial)
  }

  async plan(action: ConsoleAction): Promise<ConsolePlan> {
    const { service } = this.#targetOf(action)
    const open = this.links.filter(({ caller, callee }) => caller === service || callee === service)
    const count = open.reduce((sum, link) => sum + link.count, 0)
    if (action.action === 'rotate')
      return {
        title: `Issue new certificates to ${service}?`,
        effects: [
          {
            state: 'good',
            text: 'new handshakes use them at once; open connections live on until their own end',
          },
          { state: 'quiet', text: 'the keys are new, and their pins have been published' },
        ],
        command: `mtls rotate ${service}`,
      }
    const serial = 'serial' in action.target ? action.target.serial : undefined
    const isWhole = serial === undefined
    return {
      title: isWhole ? `Revoke every certificate of ${service}?` : `Revoke this certificate of ${service}?`,
      effects: [
        { state: 'bad', text: `${count} open connections are cut` },
        ...(isWhole
          ? [
              {
                state: 'bad',
                text: `${service} gets no certificate until \`mtls issue ${service}\``,
              } as const,
            ]
          : []),
        ...open.map(
          ({ caller, callee }) => ({ state: 'warning', text: `${caller} can’t call ${callee}` }) as const,
        ),
        { state: 'good', text: 'every live peer enforces it within a second' },
      ],
      command: `mtls revoke ${serial ?? service} --reason ${action.reason}`,
    }
  }

  async act(action: ConsoleAction): Promise<ConsoleDone> {
    const target = this.#targetOf(action)
    if (action.action === 'rotate') {
      target.rotate(this.#clock())
      this.#record('operator', 'certificate issued', `${target.service}, by hand`)
      this.happened('certificate-issued', target.service, 'by hand')
      this.show()
      return { text: `Rotated ${target.service}: new handshakes use the new certificates.`, state: 'good' }
    }
    const serial = 'serial' in action.target ? action.target.serial : undefined
    return this.#revoke(target, action.reason, serial)
  }

  /** Shown first as pending, then as enforced: unless somebody is late. */
  #revoke(target: FakeService, reason: string, serial: string | undefined): ConsoleDone {
    const { service } = target
    const at = this.#clock()
    const fresh = target.revoke(at, reason, serial).map(
      (one, place): ConsoleRevocation => ({
        ...{ number: this.revocations.length + 1 + place, serial: one, service, reason, at },
        ...{ enforcedAfter: null, pending: true },
      }),
    )
    this.revocations = [...fresh.toReversed(), ...this.revocations]
    this.links = this.links.filter(({ caller, callee }) => caller !== service && callee !== service)
    this.#record('operator', 'certificate revoked', `${service}, ${reason}`)
    this.happened('certificate-revoked', service, reason, 'warning')
    this.show()
    this.revocations = this.revocations.map((one) =>
      one.pending ? { ...one, pending: false, enforcedAfter: 84 } : one,
    )
    this.publish()
    return { text: `Revoked ${service}: enforced by every live peer after 84 ms.`, state: 'good' }
  }

  #targetOf(action: ConsoleAction): FakeService {
    if (this.refusal !== undefined) throw Object.assign(new Error(this.refusal), { code: 'REFUSED' })
    const target = action.action === 'rotate' ? { service: action.service } : action.target
    const found =
      'service' in target
        ? this.services.get(target.service)
        : [...this.services.values()].find(({ instances }) =>
            instances.some(({ certificates }) => certificates.some(({ serial }) => serial === target.serial)),
          )
    if (found === undefined)
      throw Object.assign(new Error('no member is called so'), { code: 'NOT_A_MEMBER' })
    return found
  }

  #record(actor: string, deed: string, text: string): void {
    this.#audit.push({ number: this.#audit.length + 1, at: this.#clock(), actor, deed, text })
  }

  #mesh(): ConsoleMesh {
    const now = this.#clock()
    const until = now - (now % DAY) + 6 * DAY
    const isEmpty = this.services.size === 0
    const renewals = [...this.services.values()].flatMap(({ instances }) =>
      instances.map(({ instance, certificates }) => ({
        at: certificates[0]!.notBefore + 60 * DAY,
        ...{ kind: 'renewal' as const, subject: instance },
      })),
    )
    const signature = {
      at: now - (now % DAY) + DAY,
      kind: 'signature' as const,
      subject: `bundle ${this.bundle}`,
    }
    return {
      trustDomain: 'service.datapunk',
      meshId: isEmpty ? null : '7c1e5a4d0b9f4f0e8d3a6b2c9e1f7a50',
      environment: null,
      bundle: isEmpty ? null : this.bundle,
      bundleExpiresAt: isEmpty ? null : until,
      faults: this.faults,
      outage: isEmpty ? null : { until, endedBy: `bundle ${this.bundle}` },
      due: isEmpty ? [] : [signature, ...renewals].sort((a, b) => a.at - b.at).slice(0, 50),
      slots: this.slots,
      rolls: this.rolls,
      asks: this.asks,
      transparency: { wanted: 'required', mode: 'required', failure: null },
      pinning: { wanted: 'required', mode: 'required', suspendedUntil: null },
    }
  }
}

function slotsAt(now: number): ConsoleSlot[] {
  return [
    { slot: 'root-1', kind: 'root', state: 'active', notAfter: now + 3600 * DAY },
    { slot: 'issuing-ca-1', kind: 'issuing-ca', state: 'active', notAfter: now + 900 * DAY },
    { slot: 'bundle-key-1', kind: 'bundle-key', state: 'active', notAfter: null },
    { slot: 'log-1', kind: 'log', state: 'active', notAfter: null },
    { slot: 'ocsp-1', kind: 'ocsp', state: 'active', notAfter: now + 20 * DAY },
  ]
}
