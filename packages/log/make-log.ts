import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { keyIdOf, type Layout, type LogFolder, logFolderId } from '@datapunk/protocol'
import { type AboutLog, encodeAbout, readAbout } from './about.ts'
import { syncFolder, writeWhole } from './durable-file.ts'
import { LogError } from './log-error.ts'
import { makeLogKey, openLogKey } from './log-key.ts'

export interface LogOwner {
  readonly layout: Pick<Layout, 'logsDir' | 'log'>
  /** Undefined for a log that stands alone: it learns of its mesh later, and whatever lies in its folder is its own. */
  readonly meshId: string | undefined
  readonly generation: number | undefined
}

export interface NewLog extends LogOwner {
  /** Where logs are served, without a slash at the end. */
  readonly url: string
  /** Milliseconds since the epoch. */
  readonly clock: () => number
}

export interface FoundLogs {
  /** The log that goes on: of this mesh and generation, the last one made. */
  readonly current: LogFolder | undefined
  /** That one of them doesn't say whose it is. While another goes on it does not matter: that has ended those before it. */
  readonly unreadable: LogError | undefined
}

export async function findLogs({ layout, meshId, generation }: LogOwner): Promise<FoundLogs> {
  const names = await readdir(layout.logsDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  let current: { folder: LogFolder; createdAt: number } | undefined
  let unreadable: LogError | undefined
  for (const name of names) {
    if (!/^[0-9a-f]{32}$/.test(name)) continue
    const folder = layout.log(name)
    const about = await readAbout(folder.about).catch((error: LogError) => error)
    if (about instanceof LogError) {
      unreadable = about
      continue
    }
    const isOurs = meshId === undefined || (about.meshId === meshId && about.generation === generation)
    if (!isOurs || about.readOnly) continue
    if (current === undefined || about.createdAt > current.createdAt)
      current = { folder, createdAt: about.createdAt }
  }
  return { current: current?.folder, unreadable }
}

/** Made beside its place and then moved there: a folder that has a log's name is a whole log. */
export async function makeLog({ layout, meshId, generation, url, clock }: NewLog): Promise<LogFolder> {
  const draft = layout.log('new')
  await mkdir(layout.logsDir, { recursive: true, mode: 0o755 })
  await rm(draft.dir, { recursive: true, force: true })
  await mkdir(draft.dir, { mode: 0o755 })
  await makeLogKey(draft.key)
  const id = logFolderId(keyIdOf((await openLogKey(draft.key)).spki))
  const origin = `${url.replace(/^[a-z]+:\/\//, '')}/${id}`
  const about = { meshId, generation, origin, createdAt: clock(), readOnly: false }
  await writeWhole(draft.about, encodeAbout(about))
  await syncFolder(draft.dir)
  await rename(draft.dir, layout.log(id).dir)
  await syncFolder(layout.logsDir)
  return layout.log(id)
}

/** From now on it is only read. */
export async function endLog(folder: LogFolder): Promise<void> {
  await rewriteAbout(folder, { ...(await readAbout(folder.about)), readOnly: true })
}

export async function rewriteAbout({ dir, about: file }: LogFolder, about: AboutLog): Promise<void> {
  await writeWhole(file, encodeAbout(about))
  await syncFolder(dir)
}
