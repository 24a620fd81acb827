import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { keyIdOf, type Layout, type LogFolder, logFolderId } from '@datapunk/protocol'
import { type AboutLog, encodeAbout, readAbout } from './about.ts'
import { syncFolder, writeWhole } from './durable-file.ts'
import { LogError } from './log-error.ts'
import { isDamage } from './log-failure.ts'
import { makeLogKey, openLogKey } from './log-key.ts'
import { SqliteLock } from './sqlite-lock.ts'

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
  /** The log whose place it takes, where there is one. */
  readonly replaces?: LogFolder | undefined
}

export interface FoundLogs {
  /** The log that goes on: of this mesh and generation, the last one that has begun. */
  readonly current: LogFolder | undefined
  /** Those that were to take its place when a crash came: nobody has heard of them. */
  readonly unbegun: readonly LogFolder[]
  /** That one of them doesn't say whose it is. While another goes on it does not matter: that has ended those before it. */
  readonly unreadable: LogError | undefined
}

export async function findLogs({ layout, meshId, generation }: LogOwner): Promise<FoundLogs> {
  const names = await readdir(layout.logsDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const found = new Map<string, AboutLog>()
  let unreadable: LogError | undefined
  for (const name of names) {
    if (!/^[0-9a-f]{32}$/.test(name)) continue
    const about = await readAbout(layout.log(name).about).catch((error: LogError) => error)
    if (about instanceof LogError) unreadable = about
    else found.set(name, about)
  }
  const going = [...found].filter(
    ([, about]) =>
      (meshId === undefined || (about.meshId === meshId && about.generation === generation)) &&
      !about.readOnly,
  )
  const isUnbegun = ({ replaces }: AboutLog) => found.get(replaces ?? '')?.readOnly === false
  const begun = going.filter(([, about]) => !isUnbegun(about))
  const unbegun = going.filter(([, about]) => isUnbegun(about))
  const [current] = begun.sort(([, one], [, other]) => other.createdAt - one.createdAt)
  return {
    current: current && layout.log(current[0]),
    unbegun: unbegun.map(([name]) => layout.log(name)),
    unreadable,
  }
}

/** Made beside its place and then moved there: a folder that has a log's name is a whole log. */
export async function makeLog({
  layout,
  meshId,
  generation,
  url,
  clock,
  replaces,
}: NewLog): Promise<LogFolder> {
  const draft = layout.log('new')
  await mkdir(layout.logsDir, { recursive: true, mode: 0o755 })
  await rm(draft.dir, { recursive: true, force: true })
  await mkdir(draft.dir, { mode: 0o755 })
  await makeLogKey(draft.key)
  const id = logFolderId(keyIdOf((await openLogKey(draft.key)).spki))
  const origin = `${url.replace(/^[a-z]+:\/\//, '')}/${id}`
  const of = { meshId, generation, origin, createdAt: clock(), readOnly: false }
  const about = { ...of, ...(replaces && { replaces: basename(replaces.dir) }) }
  await writeWhole(draft.about, encodeAbout(about))
  await syncFolder(draft.dir)
  await rename(draft.dir, layout.log(id).dir)
  await syncFolder(layout.logsDir)
  return layout.log(id)
}

/** The log that another takes the place of. Nobody adds to it from when it is taken. */
export class ReplacedLog {
  readonly #folder: LogFolder
  readonly #lock: SqliteLock | undefined

  private constructor(folder: LogFolder, lock: SqliteLock | undefined) {
    this.#folder = folder
    this.#lock = lock
  }

  /** @throws LogError `LOG_TAKEN` another process goes on with it */
  static take(folder: LogFolder): ReplacedLog {
    return new ReplacedLog(folder, lockOf(folder))
  }

  /** From now on it is only read. */
  end(): Promise<void> {
    return endLog(this.#folder)
  }

  /** Lets go of it: where it has not ended, it goes on. */
  letGo(): void {
    this.#lock?.close()
  }
}

/** What is no lock any more keeps nobody out, and another log is what mends it. */
function lockOf({ lock }: LogFolder): SqliteLock | undefined {
  try {
    return new SqliteLock(lock)
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
}

/** Asked while the log in use is held, so that nobody is about to have another one take its place. */
export async function endUnbegun(owner: LogOwner): Promise<void> {
  for (const folder of (await findLogs(owner)).unbegun) await endLog(folder)
}

/** From now on it is only read. */
async function endLog(folder: LogFolder): Promise<void> {
  await rewriteAbout(folder, { ...(await readAbout(folder.about)), readOnly: true })
}

/** One that nobody has heard of yet: it has promised nothing. */
export async function removeLog({ dir }: LogFolder): Promise<void> {
  await rm(dir, { recursive: true, force: true })
}

export async function rewriteAbout({ dir, about: file }: LogFolder, about: AboutLog): Promise<void> {
  await writeWhole(file, encodeAbout(about))
  await syncFolder(dir)
}
