import type { WriteStream } from 'node:tty'

/** ECMA-48: what a terminal is told. */
const HOME = '\u001b[H'
const CLEAR = '\u001b[2J'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'
/** Lines that are too long are cut by the terminal, and take one row each (DECAWM). */
const NO_WRAP = '\u001b[?7l'
const WRAP = '\u001b[?7h'

/** A terminal on which a text is drawn over and over, in place. */
export class Screen {
  readonly #terminal: WriteStream
  #drawn: string | undefined

  constructor(terminal: WriteStream) {
    this.#terminal = terminal
  }

  draw(text: string): void {
    const shown = this.#fitted(text)
    if (shown === this.#drawn) return
    const start = this.#drawn === undefined ? CLEAR + HOME : HOME
    this.#drawn = shown
    const lines = shown.split('\n').map((line) => line + CLEAR_LINE)
    this.#terminal.write(start + NO_WRAP + lines.join('\n') + CLEAR_BELOW + WRAP)
  }

  /** What does not fit is counted, so that the beginning stays in sight. */
  #fitted(text: string): string {
    const lines = text.split('\n')
    const room = this.#terminal.rows || lines.length
    if (lines.length <= room) return text
    const left = lines.length - room + 1
    return [...lines.slice(0, room - 1), `… and ${left} more lines`].join('\n')
  }
}
