import { type FSWatcher, statSync, watch } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** Editors write a file in several steps; this long after the last of them it is looked at. Milliseconds. */
const SETTLE = 100

/** Where folders can't be watched, a look this often has to do. Milliseconds. */
const LOOK_EVERY = 30_000

/** Tells that the config file was written. */
export class ConfigWatch {
  readonly #file: string
  readonly #written: () => void
  readonly #watcher: FSWatcher | undefined
  readonly #timer: NodeJS.Timeout
  #seen: string | undefined
  #settling: NodeJS.Timeout | undefined

  constructor(file: string, written: () => void) {
    this.#file = resolve(file)
    this.#written = written
    this.#seen = this.#stamp()
    this.#watcher = this.#watch()
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY)
  }

  close(): void {
    this.#watcher?.close()
    clearInterval(this.#timer)
    clearTimeout(this.#settling)
  }

  /** The folder and not the file: editors and config maps put a new file, or a new link, in its place. */
  #watch(): FSWatcher | undefined {
    try {
      const watcher = watch(dirname(this.#file), () => {
        clearTimeout(this.#settling)
        this.#settling = setTimeout(() => this.#look(), SETTLE)
      })
      watcher.on('error', () => watcher.close())
      return watcher
    } catch {
      return undefined
    }
  }

  #look(): void {
    const stamp = this.#stamp()
    if (stamp === this.#seen) return
    this.#seen = stamp
    this.#written()
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
