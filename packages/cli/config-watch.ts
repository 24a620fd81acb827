import { type FSWatcher, statSync, watch } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** Editors write a file in several steps; this long after the last of them it is looked at. Milliseconds. */
const SETTLE = 100

/** Tells when it is time to look at the config file again: when it was written, or after a while. */
export class ConfigWatch {
  readonly #file: string
  readonly #every: number
  readonly #signal: AbortSignal
  readonly #watcher: FSWatcher | undefined
  #seen: string | undefined
  #wake: (() => void) | undefined
  #settling: NodeJS.Timeout | undefined
  #changed = false

  /** @param every milliseconds after which it is time whatever happened */
  constructor(file: string, every: number, signal: AbortSignal) {
    this.#file = resolve(file)
    this.#every = every
    this.#signal = signal
    this.#seen = this.#stamp()
    this.#watcher = this.#watch()
    signal.addEventListener('abort', () => this.#wake?.())
  }

  /** Resolves when it is time, or when the signal is given. A change since the last time counts at once. */
  async wait(): Promise<void> {
    if (this.#signal.aborted) return
    if (!this.#changed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, this.#every)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#wake = undefined
    this.#changed = false
  }

  close(): void {
    this.#watcher?.close()
    clearTimeout(this.#settling)
  }

  /** The folder and not the file: editors and config maps put a new file, or a new link, in its place. */
  #watch(): FSWatcher | undefined {
    try {
      const watcher = watch(dirname(this.#file), () => this.#settle())
      watcher.on('error', () => watcher.close())
      return watcher
    } catch {
      // Where folders can't be watched, the timer alone has to do.
      return undefined
    }
  }

  #settle(): void {
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => {
      const stamp = this.#stamp()
      if (stamp === this.#seen) return
      this.#seen = stamp
      this.#changed = true
      this.#wake?.()
    }, SETTLE)
  }

  #stamp(): string | undefined {
    try {
      const { ino, mtimeNs, size, mode } = statSync(this.#file, { bigint: true })
      return `${ino}:${mtimeNs}:${size}:${mode}`
    } catch {
      return undefined
    }
  }
}
