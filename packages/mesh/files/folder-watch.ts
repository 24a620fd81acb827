import { type FSWatcher, watch } from 'node:fs'

/**
 * Tells that something in a few folders changed; not what. It is a hint that saves waiting: where a folder can't be
 * watched (network file systems, too many watches), the slow look at the files finds out too.
 */
export class FolderWatch {
  readonly #changed: () => void
  readonly #watchers = new Map<string, FSWatcher>()

  constructor(changed: () => void) {
    this.#changed = changed
  }

  /** Watches these folders from now on, and no others. */
  watch(folders: readonly string[]): void {
    const wanted = new Set(folders)
    for (const folder of this.#watchers.keys()) {
      if (!wanted.has(folder)) this.#stop(folder)
    }
    for (const folder of wanted) {
      if (!this.#watchers.has(folder)) this.#start(folder)
    }
  }

  close(): void {
    for (const folder of this.#watchers.keys()) this.#stop(folder)
  }

  #start(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (event, name) => {
        // A folder that was itself moved or deleted is watched no more, under this or any name.
        if (event === 'rename' && name === null) this.#stop(folder)
        this.#changed()
      })
      watcher.on('error', () => this.#stop(folder))
      this.#watchers.set(folder, watcher)
    } catch {
      this.#watchers.delete(folder)
    }
  }

  #stop(folder: string): void {
    this.#watchers.get(folder)?.close()
    this.#watchers.delete(folder)
  }
}
