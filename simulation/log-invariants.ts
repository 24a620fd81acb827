import type { AuthorityEvent } from '../packages/authority/events/event.ts'
import type { SimulatedLogs } from './simulated-logs.ts'
import type { Violated } from './violation.ts'

/**
 * 12. nothing is issued that was not logged; whoever has seen more of a log than it has now raises an alarm, and nobody does
 *     without need. With 1, whoever may talk can while the log is down, and with 8 a stolen log is believed by nobody.
 */
export class LogInvariants {
  readonly #logs: SimulatedLogs
  readonly #violated: Violated
  isTampered = false

  constructor(logs: SimulatedLogs, violated: Violated) {
    this.#logs = logs
    this.#violated = violated
  }

  event({ kind, detail }: AuthorityEvent): void {
    if (kind === 'log-alarm' && !this.isTampered) this.#violated(`log-alarm: ${detail.message}`)
    if (kind !== 'certificate-issued') return
    const serial = detail.serial as string
    if (this.#logs.isDown || !this.#logs.wasSubmitted(serial)) this.#violated(`${serial} is not logged`)
  }

  witnessed(isAlarmed: boolean): void {
    if (!isAlarmed) this.#violated('a log was put back, and a witness of before takes it')
  }
}
