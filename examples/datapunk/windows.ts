import type { SensorEvent } from './event.ts'

/** What one source sent in one stretch of time. Times in milliseconds since the epoch. */
export interface Window {
  readonly source: string
  readonly start: number
  /** The first moment after it. */
  readonly end: number
  readonly count: number
  readonly min: number
  readonly max: number
  readonly sum: number
}

export interface WindowOptions {
  /** Milliseconds. */
  readonly length: number
  /** How long an event may be on its way before its window closes without it; milliseconds. */
  readonly grace: number
  /** How many may be open; events that would need more are turned away. */
  readonly most: number
}

/** Open windows, side by side and without overlap, for every source. */
export class Windows {
  readonly #options: WindowOptions
  readonly #open = new Map<string, Window>()

  constructor(options: WindowOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#open.size
  }

  /**
   * @param now milliseconds since the epoch
   * @returns whether the event was counted: `late` where its window has closed, `full` where there is no room for another
   */
  add(event: SensorEvent, now: number): 'counted' | 'late' | 'full' {
    const { length, grace, most } = this.#options
    const start = Math.floor(event.at / length) * length
    if (start + length + grace <= now) return 'late'
    const key = `${start} ${event.source}`
    const window = this.#open.get(key) ?? emptyWindow(event.source, start, start + length)
    if (window.count === 0 && this.#open.size >= most) return 'full'
    this.#open.set(key, withValue(window, event.value))
    return 'counted'
  }

  /** Takes out the windows whose time is over, oldest first. */
  takeClosed(now: number): Window[] {
    return this.#take(({ end }) => end + this.#options.grace <= now)
  }

  /** Takes out all of them, also those that could still grow: for the end of the process. */
  takeAll(): Window[] {
    return this.#take(() => true)
  }

  #take(wanted: (window: Window) => boolean): Window[] {
    const taken = [...this.#open].filter(([, window]) => wanted(window))
    for (const [key] of taken) this.#open.delete(key)
    return taken.map(([, window]) => window).sort((a, b) => a.start - b.start)
  }
}

function emptyWindow(source: string, start: number, end: number): Window {
  return {
    source,
    start,
    end,
    count: 0,
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
    sum: 0,
  }
}

function withValue(window: Window, value: number): Window {
  return {
    ...window,
    count: window.count + 1,
    min: Math.min(window.min, value),
    max: Math.max(window.max, value),
    sum: window.sum + value,
  }
}
