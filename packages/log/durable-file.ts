import { constants } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** As `w`; a named pipe that somebody put there is an error, and not waited for. */
const WRITE = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK

/** Under a name of its own first, so that nobody ever sees a part of it. Its name is durable when its folder is synced. */
export async function writeWhole(file: string, octets: Uint8Array | string): Promise<void> {
  const draft = join(dirname(file), `.${basename(file)}`)
  try {
    const handle = await open(draft, WRITE, 0o644)
    try {
      await handle.writeFile(octets)
      await handle.datasync()
    } finally {
      await handle.close()
    }
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
