import { setTimeout as pause } from 'node:timers/promises'
import { AuthorityReader, type LogFinding } from '@datapunk/authority'
import { LogError } from '@datapunk/log'
import { readableCertificate, type TileLeaf } from '@datapunk/pki'
import { type Context, loadConfig } from '../context.ts'
import type { WatchedLogDocument } from '../documents/log.ts'
import { reportError } from '../error-report.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import { serviceOf } from '../logs/entries.ts'
import type { LogSource } from '../logs/log-source.ts'
import { instantText, timeText } from '../text/time-text.ts'
import { LogFollower } from './log-follower.ts'

/** Milliseconds: a certificate that nobody recorded is to be seen within a minute. */
const LOOK_EVERY = 30_000

/**
 * Reads each log from its first entry on and holds it against the inventory; then again and again, until somebody asks it to end.
 *
 * @param options.once ends after the first look
 */
export async function watchLogs(
  context: Context,
  sources: readonly LogSource[],
  { once = false }: { readonly once?: boolean },
): Promise<ExitCode> {
  const { clock, onSignal } = context.world
  const observation = new AuthorityReader({ config: loadConfig(context), clock })
  const ending = new AbortController()
  const stopListening = onSignal(() => ending.abort())
  const watched = sources.map((source) => new WatchedLog(context, source, observation))
  try {
    for (;;) {
      for (const log of watched) await context.output.during('reading the log', log.look(clock()))
      if (once) break
      await pause(LOOK_EVERY, undefined, { signal: ending.signal }).catch(() => {})
      if (ending.signal.aborted) break
    }
  } finally {
    stopListening()
    observation.close()
  }
  // Whoever looks once takes the end for the answer, and of a log that could not be read there is none.
  const isBad = watched.some(({ isWrong, hasFailed }) => isWrong || (once && hasFailed))
  return isBad ? exitCode.bad : exitCode.done
}

/** One log, and what is said of it. */
class WatchedLog {
  readonly #context: Context
  readonly #origin: string
  readonly #follower: LogFollower
  #isFirst = true
  #isWrong = false
  #failure: string | undefined

  constructor(context: Context, source: LogSource, observation: AuthorityReader) {
    this.#context = context
    this.#origin = source.log.origin
    this.#follower = new LogFollower(source, observation, {
      entry: (entry) => {
        // What was there before is not news.
        if (!this.#isFirst) this.#sayEntry(entry)
      },
      finding: (finding) => this.#sayFinding(finding),
    })
  }

  get isWrong(): boolean {
    return this.#isWrong
  }

  /** At the last look. */
  get hasFailed(): boolean {
    return this.#failure !== undefined
  }

  /** Never rejects: a log that can't be read is told of once, and looked at again. */
  async look(now: number): Promise<void> {
    try {
      await this.#follower.look(now)
    } catch (error) {
      this.#sayFailure(error)
      return
    }
    this.#failure = undefined
    if (this.#isFirst) this.#sayCompared()
    this.#isFirst = false
  }

  /** That it can't be reached says nothing of the log; that it is not as it has signed is an alarm. */
  #sayFailure(error: unknown): void {
    const failure = reportError(error).lines.join('\n')
    if (failure === this.#failure) return
    this.#failure = failure
    const { output, json } = this.#context
    const isUnreachable = error instanceof LogError && error.code === 'LOG_UNREADABLE'
    if (!isUnreachable) this.#sayFinding({ kind: 'alarm', message: failure })
    else if (json) this.#print({ log: this.#origin, kind: 'unreachable', message: failure })
    else output.tell(output.toldStyled('warning', failure))
  }

  #sayCompared(): void {
    const { output, json } = this.#context
    const { size } = this.#follower
    if (json) this.#print({ log: this.#origin, kind: 'compared', size })
    else output.tell(`${this.#origin}: ${size} entries held against the inventory`)
  }

  #sayEntry(leaf: TileLeaf): void {
    const { output, json } = this.#context
    const { leafIndex: index, timestamp } = leaf
    const certificate = readableCertificate(leaf.entry)
    const service = certificate && serviceOf(certificate)
    const { serial, notAfter } = certificate ?? {}
    if (json)
      this.#print({
        log: this.#origin,
        kind: 'entry',
        index,
        loggedAt: instantText(timestamp),
        service,
        serial,
      })
    else
      output.print(
        [index, timeText(timestamp), service, serial, notAfter && `until ${timeText(notAfter)}`]
          .filter((part) => part !== undefined)
          .join('  ')
          .concat('\n'),
      )
  }

  /** What nobody has recorded, as after a restore, is for people to judge: the log is not wrong for that. */
  #sayFinding(finding: LogFinding): void {
    const { output, json } = this.#context
    const isAlarm = finding.kind === 'alarm'
    this.#isWrong ||= isAlarm
    const label = isAlarm ? output.styled('bad', 'ALARM') : output.styled('warning', 'unrecorded')
    if (json) this.#print({ log: this.#origin, ...finding })
    else output.print(`${label}  ${this.#origin}: ${finding.message}\n`)
  }

  #print(document: WatchedLogDocument): void {
    this.#context.output.printJsonLine(document)
  }
}
