import type { MeshErrorCode } from '../error.ts'
import type { Counters } from '../mesh-events.ts'
import type { Rule } from '../refusal.ts'
import type { LogAlarm } from '../transparency/log-watch.ts'

/** Counts what happens to a service. One addition each: connections pay for it. */
export class Tally {
  #accepted = 0
  #cut = 0
  #rotated = 0
  readonly #refused: Partial<Record<Rule, number>> = {}
  readonly #reported: Partial<Record<Rule, number>> = {}
  readonly #problems: Partial<Record<MeshErrorCode, number>> = {}
  readonly #alarms: Partial<Record<LogAlarm['kind'], number>> = {}

  accepted(): void {
    this.#accepted++
  }

  cut(): void {
    this.#cut++
  }

  rotated(): void {
    this.#rotated++
  }

  refused(rule: Rule): void {
    addOne(this.#refused, rule)
  }

  reported(rule: Rule): void {
    addOne(this.#reported, rule)
  }

  problem(code: MeshErrorCode): void {
    addOne(this.#problems, code)
  }

  alarm(kind: LogAlarm['kind']): void {
    addOne(this.#alarms, kind)
  }

  /** @param open connections open now */
  counters(open: number): Counters {
    return {
      open,
      accepted: this.#accepted,
      cut: this.#cut,
      rotated: this.#rotated,
      refused: { ...this.#refused },
      reported: { ...this.#reported },
      problems: { ...this.#problems },
      alarms: { ...this.#alarms },
    }
  }
}

function addOne<Key extends string>(counts: Partial<Record<Key, number>>, key: Key): void {
  counts[key] = (counts[key] ?? 0) + 1
}
