import { Draw } from './draw.ts'

interface Happening {
  readonly at: number
  readonly order: number
  readonly act: () => void | Promise<void>
}

/** Time and chance: what happens, happens in order of time, one after the other, and in between nothing does. */
export class World {
  readonly draw: Draw
  #now: number
  #order = 0
  readonly #queue: Happening[] = []

  constructor(seed: string, now: number) {
    this.draw = new Draw(seed)
    this.#now = now
  }

  /** Milliseconds since the epoch. */
  readonly now = (): number => this.#now

  /** How much has happened. */
  steps = 0

  at(time: number, act: Happening['act']): void {
    push(this.#queue, { at: Math.max(this.#now, Math.ceil(time)), order: this.#order++, act })
  }

  after(delay: number, act: Happening['act']): void {
    this.at(this.#now + delay, act)
  }

  /**
   * Lets happen what is to happen until then.
   *
   * @param watch called after everything that happened, with the time of what happens next: until then all stays as it is
   */
  async run(until: number, watch: (next: number) => void): Promise<void> {
    for (let next = this.#queue[0]; next !== undefined && next.at <= until; next = this.#queue[0]) {
      pop(this.#queue)
      this.#now = next.at
      this.steps++
      const done = next.act()
      if (done !== undefined) await done
      watch(Math.min(until, this.#queue[0]?.at ?? until))
    }
    this.#now = until
  }
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

function push(heap: Happening[], item: Happening): void {
  let at = heap.push(item) - 1
  while (at > 0) {
    const above = (at - 1) >> 1
    const parent = heap[above]!
    if (!isBefore(item, parent)) break
    heap[at] = parent
    at = above
  }
  heap[at] = item
}

function pop(heap: Happening[]): void {
  const item = heap.pop()!
  if (heap.length === 0) return
  let at = 0
  for (;;) {
    let below = 2 * at + 1
    if (below >= heap.length) break
    if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++
    if (!isBefore(heap[below]!, item)) break
    heap[at] = heap[below]!
    at = below
  }
  heap[at] = item
}
