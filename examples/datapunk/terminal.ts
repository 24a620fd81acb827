import { styleText } from 'node:util'

const colours = { mtls: 'yellow', lake: 'cyan', stream: 'green', nexus: 'magenta' } as const

const WIDTH = 6

/** Where the demo shows what happens; colour only where `stream` is a terminal that has it. */
export class Terminal {
  readonly #stream: NodeJS.WriteStream
  readonly #clock: () => number

  /** @param clock milliseconds since the epoch */
  constructor(stream: NodeJS.WriteStream, clock: () => number) {
    this.#stream = stream
    this.#clock = clock
  }

  /** A line of one process, with the time in UTC. */
  line(name: string, text: string): void {
    const time = `${new Date(this.#clock()).toISOString().slice(11, 19)}Z`
    const colour = Object.hasOwn(colours, name) ? colours[name as keyof typeof colours] : 'bold'
    this.#write(`${this.#style('dim', time)} ${this.#style(colour, name.padEnd(WIDTH))} ${text}`)
  }

  heading(text: string): void {
    this.#write(this.#style('bold', text))
  }

  /** Lines to copy, each with what it shows. */
  commands(rows: readonly (readonly [command: string, shows: string])[]): void {
    for (const [command, shows] of rows) {
      this.#write(`  ${command}`)
      this.#write(this.#style('dim', `    ${shows}`))
    }
  }

  gap(): void {
    this.#write('')
  }

  #style(format: Parameters<typeof styleText>[0], text: string): string {
    return styleText(format, text, { stream: this.#stream })
  }

  #write(line: string): void {
    this.#stream.write(`${line}\n`)
  }
}
