import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Drafts of this process: several may be on their way to one place. */
let drafts = 0

/** Puts a file in place whole, for its owner only: whoever looks finds what was there before, or all of this. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}-${drafts++}`)
  try {
    const file = await open(draft, 'w', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

/** @returns the name of the file that a draft is to become; of what is no draft, its own */
export function nameOfDraft(name: string): string {
  return /^\.(.+)\.\d+-\d+$/.exec(name)?.[1] ?? name
}
