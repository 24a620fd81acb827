import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

export interface ChildOptions {
  readonly cwd?: string
  /** Added to this process's own. */
  readonly env?: Readonly<Record<string, string>>
  /** Written to its standard input, which is then closed. */
  readonly input?: string
  readonly uid?: number
  readonly gid?: number
}

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A process of the test's own, with what it said so far. */
export class Child {
  readonly #process: ChildProcess
  /** Resolves however it ends; rejects when it can't be started. */
  readonly ended: Promise<Ending>
  stdout = ''
  stderr = ''

  /** Starts it in a process group of its own, so that nothing it starts outlives the test. */
  static start(command: string, args: readonly string[], options: ChildOptions = {}): Child {
    return new Child(command, args, options)
  }

  /** Runs it to its end, whatever that is. */
  static run(command: string, args: readonly string[], options: ChildOptions = {}): Promise<Ending> {
    return new Child(command, args, options).ended
  }

  /** Runs it to its end, which has to be a good one. @returns what it wrote to standard output */
  static async output(command: string, args: readonly string[], options: ChildOptions = {}): Promise<string> {
    const { code, signal, stdout, stderr } = await Child.run(command, args, options)
    if (code === 0) return stdout
    throw new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}:\n${stdout}${stderr}`)
  }

  private constructor(command: string, args: readonly string[], options: ChildOptions) {
    const { cwd, env, input = '', uid, gid } = options
    this.#process = spawn(command, args, {
      detached: true,
      env: { ...process.env, ...env },
      ...(cwd !== undefined && { cwd }),
      ...(uid !== undefined && { uid }),
      ...(gid !== undefined && { gid }),
    })
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text))
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    // A process that ends without reading its input is judged by how it ends.
    this.#process.stdin?.on('error', () => {}).end(input)
    this.ended = once(this.#process, 'close').then(([code, signal]) => ({
      code,
      signal,
      stdout: this.stdout,
      stderr: this.stderr,
    }))
    this.ended.catch(() => {})
    const killGroup = () => this.#killGroup()
    process.once('exit', killGroup)
    this.#process.once('close', () => process.off('exit', killGroup))
  }

  get pid(): number {
    const { pid } = this.#process
    if (pid === undefined) throw new Error('the process was not started')
    return pid
  }

  /** Waits until what it said, on either stream, matches. @throws when it ends before that, with all it said */
  async says(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const found = this.stdout.match(pattern) ?? this.stderr.match(pattern)
      if (found !== null) return found
      if (this.#isOver) throw new Error(`ended before it said ${pattern}:\n${this.stdout}${this.stderr}`)
      await this.more()
    }
  }

  /** Waits until it says more, or ends. */
  more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const streams = [this.#process.stdout, this.#process.stderr]
    for (const stream of streams) stream?.once('data', resolve)
    this.#process.once('close', resolve)
    if (this.#isOver) resolve()
    return promise.finally(() => {
      for (const stream of streams) stream?.off('data', resolve)
      this.#process.off('close', resolve)
    })
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#isOver) this.#process.kill(signal)
  }

  /** Ctrl-C: a terminal tells it and everything it has started, all at once. */
  interrupt(): void {
    process.kill(-this.pid, 'SIGINT')
  }

  /** Ends it, politely unless told otherwise, and then whatever of its process group is left. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ending> {
    this.signal(signal)
    if (!this.#isOver) await once(this.#process, 'exit')
    this.#killGroup()
    return this.ended
  }

  #killGroup(): void {
    try {
      process.kill(-this.pid, 'SIGKILL')
    } catch {
      // Nobody is left, as it should be.
    }
  }

  get #isOver(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }
}
