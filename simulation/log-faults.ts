import type { SimulatedAuthority } from './simulated-authority.ts'
import type { World } from './world.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

export interface LogWatch {
  /** It can be reached again, or not any more. */
  reachable(): void
  /** Somebody has put it back, or, once another is in use, that is over. */
  tampered(isSo: boolean): void
  /** A witness has seen more than the log has now. @param isAlarmed whether that was told */
  witnessed(isAlarmed: boolean): void
  trace(line: string): void
}

/** A log that can't be reached, and one that is put back to what it was, and goes on from there. */
export class LogFaults {
  readonly #world: World
  readonly #authority: SimulatedAuthority
  readonly #longest: number
  readonly #watch: LogWatch
  #isTampered = false

  constructor(world: World, authority: SimulatedAuthority, longest: number, watch: LogWatch) {
    this.#world = world
    this.#authority = authority
    this.#longest = longest
    this.#watch = watch
  }

  goDown(): void {
    const { logs } = this.#authority
    if (logs.isDown) return
    const time = this.#world.draw.scale(SECOND, this.#longest)
    this.#watch.trace(`log: down for ${Math.round(time / SECOND)} s`)
    logs.isDown = true
    this.#watch.reachable()
    this.#world.after(time, () => {
      logs.isDown = false
      this.#watch.reachable()
      this.#authority.wakeAt(this.#world.now())
    })
  }

  /** Peers have seen what it was; whoever runs the mesh hears of it from them, and begins another. */
  putBack(): void {
    const { logs, isUp } = this.#authority
    const { draw } = this.#world
    const seen = logs.shown
    if (seen === undefined || seen.size === 0 || this.#isTampered || !isUp) return
    const size = draw.whole(0, seen.size - 1)
    this.#watch.trace(`log: put back from ${seen.size} entries to ${size}`)
    this.#isTampered = true
    this.#watch.tampered(true)
    logs.putBack(size)
    this.#world.after(draw.scale(MINUTE, 6 * HOUR), async () => {
      const isAlarmed = await this.#authority.hearWitness(seen)
      if (isAlarmed !== undefined) this.#watch.witnessed(isAlarmed)
      this.#world.after(draw.between(0, HOUR), () => this.#replace(seen.log))
    })
  }

  /** `mtls compromise --log`, until it is done. */
  async #replace(log: string): Promise<void> {
    const { logs } = this.#authority
    if (logs.shown?.log === log) await this.#authority.compromise('log')
    if (logs.shown?.log === log) {
      this.#world.after(10 * MINUTE, () => this.#replace(log))
      return
    }
    this.#isTampered = false
    this.#watch.tampered(false)
  }
}
