import * as fs from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { DiskCalls } from '../disk-steps.ts'

/**
 * The real calls of `node:fs`, and in what order a swap took the steps that a power cut could tear apart: `synced PATH`
 * once a sync of it has ended, `moved` and `turned` as the renames of a version and of `current` begin. Paths are told
 * from the folder of the instances on.
 */
export class SyncedCalls {
  readonly calls: DiskCalls
  readonly steps: string[] = []
  readonly #open = new Map<number, string>()

  constructor() {
    this.calls = {
      ...fs,
      openSync: ((path: string, ...rest: [number]) => {
        const fd = fs.openSync(path, ...rest)
        this.#open.set(fd, path)
        return fd
      }) as typeof fs.openSync,
      fsyncSync: (fd) => {
        fs.fsyncSync(fd)
        this.#synced(fd)
      },
      renameSync: (from, to) => {
        if (basename(String(to)) === 'current') this.steps.push('turned')
        else if (basename(dirname(String(from))) === '.staging') this.steps.push('moved')
        fs.renameSync(from, to)
      },
    }
  }

  #synced(fd: number): void {
    const path = this.#open.get(fd)!
    const from = path.lastIndexOf(join('instances', '/'))
    this.steps.push(`synced ${path.slice(from + 'instances/'.length)}`)
  }
}
