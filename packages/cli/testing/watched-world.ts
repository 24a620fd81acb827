import { PassThrough, Writable } from 'node:stream'
import type { World } from '../world.ts'

/** A world whose output can be waited for, and that can ask the command to end. */
export class WatchedWorld {
  readonly world: World
  #shown = ''
  #printed = ''
  #wake: () => void = () => {}
  #signal: () => void = () => {}

  /** @param terminal whether stdout is one, of so many rows */
  constructor(terminal?: { readonly rows: number }) {
    const stream = (isData: boolean) =>
      new Writable({
        write: (chunk, _, done) => {
          this.#shown += chunk
          if (isData) this.#printed += chunk
          this.#wake()
          done()
        },
      })
    this.world = {
      clock: Date.now,
      monotonic: () => performance.now(),
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
      environment: {},
      pid: process.pid,
      stdin: new PassThrough() as unknown as World['stdin'],
      stdout: Object.assign(
        stream(true),
        terminal && { isTTY: true, ...terminal },
      ) as unknown as World['stdout'],
      stderr: stream(false) as unknown as World['stderr'],
      onSignal: (listener) => {
        this.#signal = listener
        return () => {}
      },
    }
  }

  get shown(): string {
    return this.#shown
  }

  /** What of it is data: stdout. */
  get printed(): string {
    return this.#printed
  }

  /** As Ctrl-C does. */
  end(): void {
    this.#signal()
  }

  /** Everything that is shown, once there is such a text in it. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#shown)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#shown
  }
}
