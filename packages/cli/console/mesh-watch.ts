import {
  type Administration,
  AuthorityReader,
  connectAdmin,
  readEvents,
  type Status,
} from '@datapunk/authority'
import type { LiveView } from '@datapunk/console'
import { type Config, layoutOf } from '@datapunk/protocol'
import { type ConsoleRevocation, MAX_SHOWN_REVOCATIONS } from '@datapunk/protocol/console'
import { pause } from '../pause.ts'
import { consoleEvent } from './console-events.ts'
import { consoleView } from './console-view.ts'
import type { ConsoleWorld } from './console-world.ts'
import { EnforcedRevocations } from './enforced-revocations.ts'

/** Between two looks while nothing happens: for what no event tells of, as open connections. Milliseconds. */
const LOOK_EVERY = 1000

/** Events come in bunches. Milliseconds. */
const GATHER = 50

/** Looks take at most this share of the authority’s time. */
const SHARE = 1 / 10

/** Until it is asked again. Milliseconds. */
const TRY_AGAIN_AFTER = 500

/** Keeps what the open pages show as the authority is, as long as there are any. */
export class MeshWatch {
  readonly #config: Config
  readonly #live: LiveView
  readonly #world: ConsoleWorld
  readonly #enforced = new EnforcedRevocations()
  readonly #ending = new AbortController()
  /** Something has happened since the last look was begun. */
  #isDue = false
  #endPause = () => {}
  #position: string | null = null

  constructor(config: Config, live: LiveView, world: ConsoleWorld) {
    this.#config = config
    this.#live = live
    this.#world = world
  }

  start(): void {
    this.#live.onWatched = this.#wake
    void this.#follow()
    void this.#look()
  }

  stop(): void {
    this.#ending.abort()
    this.#wake()
  }

  readonly #wake = (): void => {
    this.#isDue = true
    this.#endPause()
  }

  get #socket(): string {
    return layoutOf(this.#config).authority.adminSocket
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ending
    const asker = { purpose: 'console', uid: this.#world.uid }
    while (!signal.aborted) {
      try {
        for await (const kept of readEvents(this.#socket, {
          ...{ after: this.#position, follow: true, asker, signal },
        })) {
          this.#position = kept.position
          this.#enforced.event(kept.event)
          this.#live.happened([consoleEvent(kept)])
          this.#wake()
        }
      } catch {
        // What can't be reached is told by the next look.
      }
      await pause(TRY_AGAIN_AFTER, signal)
    }
  }

  async #look(): Promise<void> {
    const { signal } = this.#ending
    let administration: Administration | undefined
    while (!signal.aborted) {
      let rest = LOOK_EVERY
      this.#isDue = false
      if (this.#live.isWatched) {
        const begun = this.#world.clock()
        try {
          administration ??= await this.#connected()
          const status = await administration.status()
          this.#live.authority(true, 'the authority answers')
          this.#live.show(consoleView(status, this.#revocations(status), this.#world.clock()))
          rest = Math.max(rest, (this.#world.clock() - begun) / SHARE)
        } catch (error) {
          administration = undefined
          this.#live.authority(false, error instanceof Error ? error.message : String(error))
          rest = TRY_AGAIN_AFTER
        }
      }
      await this.#pause(rest)
    }
  }

  async #connected(): Promise<Administration> {
    const asker = { purpose: 'console', uid: this.#world.uid }
    const administration = await connectAdmin(this.#socket, asker)
    if (administration !== undefined) return administration
    throw new TypeError('the authority has not done its first apply yet, or is ending')
  }

  #revocations({ services }: Status): ConsoleRevocation[] {
    // Where nobody is live nobody has to acknowledge it, and whoever comes later has it from the start.
    const isAnyoneLive = services.some(({ live }) => live > 0)
    const observation = new AuthorityReader({ config: this.#config, clock: this.#world.clock })
    try {
      return observation.recentRevocations(MAX_SHOWN_REVOCATIONS).map((row) => ({
        ...row,
        service: row.service ?? null,
        enforcedAfter: this.#enforced.after(row.serial) ?? null,
        pending: isAnyoneLive && this.#enforced.isPending(row.serial),
      }))
    } finally {
      observation.close()
    }
  }

  /** Until the time is over, or something has happened. */
  async #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#ending
    const waking = new AbortController()
    this.#endPause = () => waking.abort()
    if (!this.#isDue) await pause(milliseconds, AbortSignal.any([waking.signal, signal]))
    if (this.#isDue) await pause(GATHER, signal)
  }
}
