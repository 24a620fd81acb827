import type { RefusedCallersAnswer, ReportingPeer } from '@datapunk/authority'
import type { RefusedCaller } from '@datapunk/protocol'

/** What one try is known by at the other end. */
export interface Trace {
  readonly service: string
  /** Of the certificate that was shown, lowercase hex; undefined for none. */
  readonly serial: string | undefined
  readonly localPort: number | undefined
}

/** What peers have said about whom they refused: the evidence of a try is a refusal of this very connection. */
export class ReportedRefusals {
  readonly #known = new Set<string>()
  readonly #refused = new Map<string, RefusedCaller[]>()
  readonly #telling = new Map<string, ReportingPeer[]>()
  #reports = 0

  /** @param before what had been reported before anything was tried: none of it counts */
  constructor(before: RefusedCallersAnswer) {
    this.add(before)
    this.#refused.clear()
  }

  /** How many reports the authority has heard by now: to ask for what comes after them. */
  get heard(): number {
    return this.#reports
  }

  add({ reports, peers }: RefusedCallersAnswer): void {
    this.#reports = reports
    this.#telling.clear()
    for (const peer of peers) {
      const { service, instance, refused = [] } = peer
      this.#telling.set(service, [...(this.#telling.get(service) ?? []), peer])
      for (const caller of refused) {
        const key = JSON.stringify([instance, caller])
        if (this.#known.has(key)) continue
        this.#known.add(key)
        this.#refused.set(service, [...(this.#refused.get(service) ?? []), caller])
      }
    }
  }

  /** Live processes of a service. */
  peersOf(service: string): readonly ReportingPeer[] {
    return this.#telling.get(service) ?? []
  }

  /** Whether any of them tells whom it refuses. */
  isTold(service: string): boolean {
    return this.peersOf(service).some(({ refused }) => refused !== undefined)
  }

  /**
   * What was said of a connection: the one from its port, or, where something in between has changed that, the one that showed
   * its certificate, which nobody but the probe has. Without a certificate the port alone tells it from others.
   */
  of({ service, serial, localPort }: Trace): RefusedCaller | undefined {
    const refused = this.#refused.get(service) ?? []
    const samePort = (caller: RefusedCaller) => localPort !== undefined && portOf(caller) === localPort
    const sameSerial = (caller: RefusedCaller) => caller.serial === serial
    const own = refused.filter(
      (caller) => samePort(caller) && (caller.serial === undefined || sameSerial(caller)),
    )
    return own.at(-1) ?? (serial === undefined ? undefined : refused.findLast(sameSerial))
  }
}

function portOf({ remote }: RefusedCaller): number | undefined {
  const port = /:(\d{1,5})$/.exec(remote ?? '')?.[1]
  return port === undefined ? undefined : Number(port)
}
