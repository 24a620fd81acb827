import { mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { LogStore } from '@datapunk/tlog'
import { syncFolder, writeWhole } from './durable-file.ts'
import { readRegularFile } from './regular-file.ts'

/** The objects of a log as files, for everyone to read: any web server can serve them. */
export class DiskStore implements LogStore {
  readonly #folder: string
  /** Folders that are there, so that most writes look for none. */
  readonly #folders = new Set<string>()

  /** @param folder absolute; made when something is written */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** @throws LogError `LOG_WRONG` what lies there is no file */
  async read(path: string): Promise<Uint8Array | undefined> {
    try {
      return await readRegularFile(join(this.#folder, path))
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  async write(objects: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const files = [...objects].map(([path, octets]) => ({ file: join(this.#folder, path), octets }))
    const folders = new Set(files.map(({ file }) => dirname(file)))
    for (const folder of folders) await this.#ensureFolder(folder)
    await allDone(files.map(({ file, octets }) => writeWhole(file, octets)))
    // A name is durable when its folder is.
    await allDone([...folders].map(syncFolder))
  }

  async remove(path: string): Promise<void> {
    await rm(join(this.#folder, path), { force: true })
  }

  async list(folder: string): Promise<readonly string[]> {
    try {
      return (await readdir(join(this.#folder, folder))).map((name) => `${folder}/${name}`)
    } catch (error) {
      if (isMissing(error)) return []
      throw error
    }
  }

  async #ensureFolder(folder: string): Promise<void> {
    if (this.#folders.has(folder)) return
    const made = await mkdir(folder, { recursive: true, mode: 0o755 })
    // Each folder that was made is named in the one above it.
    for (let each = folder; made !== undefined && each.length >= made.length; each = dirname(each))
      await syncFolder(dirname(each))
    this.#folders.add(folder)
  }
}

/** Unlike `Promise.all`: whoever hears of a failure may write the same files again, and nothing of this one is in the way. */
async function allDone(works: readonly Promise<void>[]): Promise<void> {
  const endings = await Promise.allSettled(works)
  const failed = endings.find(({ status }) => status === 'rejected')
  if (failed !== undefined) throw (failed as PromiseRejectedResult).reason
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
