import { createInterface } from 'node:readline/promises'
import type { WriteStream } from 'node:tty'
import { type InspectColor, styleText } from 'node:util'
import { CliError } from '../cli-error.ts'
import type { World } from '../world.ts'
import { table } from './table.ts'
import { spanText } from './time-text.ts'

export type Style = 'good' | 'bad' | 'warning' | 'quiet' | 'strong'

const colours: Readonly<Record<Style, InspectColor>> = {
  good: 'green',
  bad: 'red',
  warning: 'yellow',
  quiet: 'dim',
  strong: 'bold',
}

/** What is quicker than this is not announced, milliseconds. */
const PATIENCE = 1000

/**
 * Where words go: data to stdout, text for people to stderr. Colour and moving text are for terminals only, and colour
 * for those without `$NO_COLOR`.
 */
export class Output {
  readonly #world: Pick<World, 'stdin' | 'stdout' | 'stderr' | 'clock'>
  #progress: string | undefined
  #asking = false

  constructor(world: Pick<World, 'stdin' | 'stdout' | 'stderr' | 'clock'>) {
    this.#world = world
  }

  /** Data, as it is. */
  print(text: string | Uint8Array): void {
    this.#erase()
    this.#world.stdout.write(text)
    this.#draw()
  }

  /** The one document of `--json`. */
  printJson(document: unknown): void {
    this.print(`${JSON.stringify(document, undefined, 2)}\n`)
  }

  /** One of the documents of `--json` where they come one after the other. */
  printJsonLine(document: unknown): void {
    this.print(`${JSON.stringify(document)}\n`)
  }

  /** A line for people. */
  tell(line: string): void {
    this.#erase()
    this.#world.stderr.write(`${line}\n`)
    this.#draw()
  }

  /** For text that goes to stdout. */
  styled(style: Style, text: string): string {
    return styleText(colours[style], text, { stream: this.#world.stdout })
  }

  /** For text that goes to stderr. */
  toldStyled(style: Style, text: string): string {
    return styleText(colours[style], text, { stream: this.#world.stderr })
  }

  /** Rows for stdout, as wide as it is. */
  table(rows: readonly (readonly string[])[]): string {
    return table(rows, roomOf(this.#world.stdout))
  }

  /** Rows for stderr, as wide as it is, without the end of the last line. */
  toldTable(rows: readonly (readonly string[])[]): string {
    return table(rows, roomOf(this.#world.stderr)).trimEnd()
  }

  /** Says on a terminal what is being waited for, once it takes over a second. */
  async during<Result>(what: string, work: Promise<Result>): Promise<Result> {
    const { stderr, clock } = this.#world
    if (!stderr.isTTY) return work
    const begun = clock()
    const timer = setInterval(() => {
      this.#erase()
      this.#progress = `${what}, ${spanText(clock() - begun)} …`
      this.#draw()
    }, PATIENCE)
    try {
      return await work
    } finally {
      clearInterval(timer)
      this.#erase()
      this.#progress = undefined
    }
  }

  /**
   * As `during`, for work that lets nothing be drawn meanwhile: said at once, since nobody knows how long it takes.
   *
   * @param work is given what tells how far it is
   */
  whileBusy<Result>(what: string, work: (far: (how: string) => void) => Result): Result {
    if (!this.#world.stderr.isTTY) return work(() => {})
    const before = this.#progress
    const show = (progress: string | undefined) => {
      this.#erase()
      this.#progress = progress
      this.#draw()
    }
    show(`${what} …`)
    try {
      return work((how) => show(`${what}, ${how} …`))
    } finally {
      show(before)
    }
  }

  /**
   * A question to somebody at a terminal, and the answer; nothing moves meanwhile.
   *
   * @throws CliError `APPROVAL_MISSING` for Ctrl-C and Ctrl-D
   */
  async ask(question: string): Promise<string> {
    const { stdin, stderr } = this.#world
    this.#erase()
    this.#asking = true
    const terminal = createInterface({ input: stdin, output: stderr })
    try {
      return await terminal.question(question)
    } catch (cause) {
      if ((cause as Error).name !== 'AbortError') throw cause
      stderr.write('\n')
      throw new CliError('APPROVAL_MISSING', 'the question was left unanswered, so nothing was done', {
        cause,
      })
    } finally {
      terminal.close()
      this.#asking = false
    }
  }

  #erase(): void {
    if (this.#progress !== undefined && !this.#asking) this.#world.stderr.write('\r\u001b[K')
  }

  #draw(): void {
    if (this.#progress !== undefined && !this.#asking) this.#world.stderr.write(this.#progress)
  }
}

function roomOf({ isTTY, columns }: WriteStream): number {
  return isTTY && columns > 0 ? columns : Number.POSITIVE_INFINITY
}
