import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { createInterface } from 'node:readline'

const endWithParent = import.meta.resolve('./end-with-parent.ts')

export interface ChildOptions {
  readonly name: string
  /** The program and what it is given, for Node. */
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** Every line that it prints, on either stream. */
  readonly onLine: (line: string) => void
}

/** A Node process that says `ready: …` when it is, ends on SIGTERM, and gets one when this process is gone. */
export class Child {
  readonly name: string
  /** What it said after `ready: `; never settles where it ends without. */
  readonly ready: Promise<string>
  /** How it ended, in words. */
  readonly ended: Promise<string>
  readonly #process: ChildProcess

  constructor({ name, args, env, onLine }: ChildOptions) {
    this.name = name
    // A session of its own: Ctrl-C in the terminal goes to its parent alone, which ends everything in order.
    this.#process = spawn(process.execPath, ['--import', endWithParent, ...args], {
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const ready = Promise.withResolvers<string>()
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream === null) continue
      createInterface(stream).on('line', (line) => {
        onLine(line)
        const said = /^(?:\S+: )?ready: (.*)$/.exec(line)?.[1]
        if (said !== undefined) ready.resolve(said)
      })
    }
    this.ready = ready.promise
    this.ended = endOf(this.#process)
  }

  /**
   * Asks it to end, and waits until it has.
   *
   * @param patience milliseconds after which it is killed
   */
  async stop(patience: number): Promise<void> {
    this.#process.kill('SIGTERM')
    const timer = setTimeout(() => this.kill(), patience)
    await this.ended
    clearTimeout(timer)
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }
}

function endOf(child: ChildProcess): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  child.on('error', (error) => resolve(`could not be started: ${error.message}`))
  // Not `exit`: what it said last is read by then.
  child.on('close', (code, signal) =>
    resolve(
      code === null ? `ended by signal ${constants.signals[signal ?? 'SIGTERM']}` : `ended with code ${code}`,
    ),
  )
  return promise
}
