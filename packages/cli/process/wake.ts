import { ConfigWatch } from '../config/config-watch.ts'
import type { World } from '../world.ts'

/** Clocks are compared this often, because timers stand still while a machine sleeps. Milliseconds. */
const TICK = 15_000

/** Somebody who was heard of is rarely alone: this much later is early enough. Milliseconds. */
const SETTLE = 50

/** More than this between the wall clock and the monotonic one is no drift: a machine slept, or a clock was set. */
const JUMP = 5_000

export interface WakeOptions {
  readonly file: string
  readonly signal: AbortSignal
  readonly world: Pick<World, 'clock' | 'monotonic'>
  /** The wall clock went otherwise than time did, by so many milliseconds: above zero after a sleep. */
  readonly onJump: (by: number) => void
}

/** Tells `mtls up` when it is time to look: something is due, the config was written, somebody was heard of, a clock jumped. */
export class Wake {
  readonly #options: WakeOptions
  readonly #config: ConfigWatch
  #wake: (() => void) | undefined
  #poked = false
  /** When a peer was first heard of since the last look began; milliseconds since the epoch. */
  #heardAt: number | undefined
  #wall: number
  #monotonic: number

  constructor(options: WakeOptions) {
    this.#options = options
    const { file, signal, world } = options
    this.#config = new ConfigWatch(file, () => this.poke())
    this.#wall = world.clock()
    this.#monotonic = world.monotonic()
    signal.addEventListener('abort', () => this.#wake?.())
  }

  /** Something was written. It counts also while nobody waits. */
  poke(): void {
    this.#poked = true
    this.#wake?.()
  }

  /** A peer was heard of. It counts also while nobody waits. */
  heard(): void {
    if (this.#heardAt !== undefined) return
    this.#heardAt = this.#options.world.clock()
    this.#wake?.()
  }

  /**
   * @param until milliseconds since the epoch
   * @param heedPeersFrom before that whoever is heard of wakes nobody; undefined: nor later
   */
  async wait(until: number, heedPeersFrom: number | undefined): Promise<void> {
    const { signal, world } = this.#options
    const left = () => this.#end(until, heedPeersFrom) - world.clock()
    while (!signal.aborted && !this.#poked && left() > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      const timer = setTimeout(resolve, Math.min(TICK, left()))
      await promise
      clearTimeout(timer)
      this.#wake = undefined
      if (this.#noticeJump()) break
    }
    this.#poked = false
    this.#heardAt = undefined
  }

  close(): void {
    this.#config.close()
  }

  #end(until: number, heedPeersFrom: number | undefined): number {
    if (this.#heardAt === undefined || heedPeersFrom === undefined) return until
    return Math.min(until, Math.max(this.#heardAt + SETTLE, heedPeersFrom))
  }

  #noticeJump(): boolean {
    const { world, onJump } = this.#options
    const [wall, monotonic] = [world.clock(), world.monotonic()]
    const by = wall - this.#wall - (monotonic - this.#monotonic)
    this.#wall = wall
    this.#monotonic = monotonic
    if (Math.abs(by) < JUMP) return false
    onJump(by)
    return true
  }
}
