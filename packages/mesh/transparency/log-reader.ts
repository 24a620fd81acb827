import { join } from 'node:path'
import type { Layout } from '@datapunk/protocol'
import { CHECKPOINT_PATH } from '@datapunk/tlog'
import type { AuthorityRoute } from '../authority/authority-route.ts'
import { getWithin } from '../authority/get-within.ts'
import type { Clock } from '../clock.ts'
import { readRegularFile } from '../files/regular-file.ts'

/** An object of a log by its path (C2SP static-ct-api). None of it is believed without proof. */
export type ReadLog = (path: string, maxBytes: number) => Promise<Uint8Array>

export interface LogReaderOptions {
  readonly layout: Pick<Layout, 'log'>
  readonly route: AuthorityRoute
  readonly clock: Clock
}

/** Milliseconds. */
const PATIENCE = 10_000

/**
 * Where a log lies on this machine its files are read; else the authority passes on what it serves. What lies here may be a copy of
 * long ago: that changes no tile, but which checkpoint is the newest is the authority's to say, where it can be reached.
 *
 * @returns the reader of a log, by its id, until the signal ends it
 */
export function logReader({
  layout,
  route,
  clock,
}: LogReaderOptions): (id: string, signal: AbortSignal) => ReadLog {
  return (id, signal) => {
    const here: ReadLog = (path, maxBytes) => readRegularFile(join(layout.log(id).public, path), maxBytes)
    const passedOn: ReadLog = async (path, maxBytes) => {
      const within = { clock, signal, patience: PATIENCE, maxBytes }
      return (await getWithin(route, `/log/${id}/${path}`, within)).bytes
    }
    return async (path, maxBytes) => {
      const [first, second] = path === CHECKPOINT_PATH ? [passedOn, here] : [here, passedOn]
      signal.throwIfAborted()
      try {
        return await first(path, maxBytes)
      } catch {
        // On another machine, or not yet there; or the authority is away.
      }
      signal.throwIfAborted()
      return second(path, maxBytes)
    }
  }
}
