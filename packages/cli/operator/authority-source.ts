import {
  type Authority,
  type AuthorityEvent,
  type AuthorityEventKind,
  authorityEventKinds,
  LONGEST_WAIT,
} from '@datapunk/authority'
import { type OperatorSource, registryOf } from '@datapunk/mesh/operator'
import { Histogram, type Registry } from 'prom-client'
import { spanText } from '../text/time-text.ts'
import type { World } from '../world.ts'
import { authorityMetrics, bundleToEnforced, revokeToEnforced } from './authority-metrics.ts'
import { EnforcementTimes } from './enforcement-times.ts'

/** It looks every ten minutes at the latest; where it has not for twice as long, it hangs. Milliseconds. */
const LONGEST_SILENCE = 2 * LONGEST_WAIT

/** What is looked at of an authority. */
export interface Watched extends Pick<Authority, 'measure' | 'fault'> {
  readonly peers: Pick<Authority['peers'], 'live'>
}

/** The authority as its operator sees it: what it did since it was started, and how the mesh is now. */
export class AuthoritySource implements OperatorSource {
  readonly #authority: () => Watched | undefined
  readonly #world: Pick<World, 'clock' | 'monotonic'>
  readonly #registry: Registry
  readonly #times: EnforcementTimes
  readonly #events = Object.fromEntries(authorityEventKinds.map((kind) => [kind, 0])) as Record<
    AuthorityEventKind,
    number
  >
  #lookFailed = false
  #lookedAt: number

  /** @param authority undefined until it is open */
  constructor(authority: () => Watched | undefined, world: Pick<World, 'clock' | 'monotonic'>) {
    this.#authority = authority
    this.#world = world
    this.#lookedAt = world.monotonic()
    this.#registry = registryOf(authorityMetrics, () => ({
      measured: this.#opened.measure(),
      events: this.#events,
      lookFailed: this.#lookFailed,
      now: world.clock(),
    }))
    const registers = [this.#registry]
    const enforced = new Histogram({ ...bundleToEnforced, registers })
    const revoked = new Histogram({ ...revokeToEnforced, registers })
    this.#times = new EnforcementTimes({
      isAnyoneLive: () => (this.#authority()?.peers.live().length ?? 0) > 0,
      bundleEnforced: (after) => enforced.observe(after / 1000),
      revocationEnforced: (after) => revoked.observe(after / 1000),
    })
  }

  readonly event = (event: AuthorityEvent): void => {
    this.#events[event.kind]++
    this.#times.event(event)
  }

  readonly looked = (error: unknown): void => {
    this.#lookFailed = error !== undefined
    this.#lookedAt = this.#world.monotonic()
  }

  readonly metrics = async () => ({ type: this.#registry.contentType, text: await this.#registry.metrics() })

  readonly sickness = (): string | undefined => {
    const silence = this.#world.monotonic() - this.#lookedAt
    if (silence <= LONGEST_SILENCE) return undefined
    return `it has not looked at the mesh for ${spanText(silence)}; allowed: ${spanText(LONGEST_SILENCE)}. Restart \`mtls up\``
  }

  readonly unreadiness = (): string | undefined => this.#opened.fault

  get #opened(): Watched {
    const authority = this.#authority()
    if (authority === undefined) throw new TypeError('asked before the authority was open')
    return authority
  }
}
