import { closeSync, openSync } from 'node:fs'
import { basename, dirname } from 'node:path'

/** `sun_path` of unix(7) has 108 bytes, the last of them 0. */
const MAX_SOCKET_PATH_BYTES = 107

const folders = new Map<string, number>()

/**
 * A path by which a socket can be connected to. One that is too long for an address is reached by way of its folder, held
 * open, which Linux shows under a short name; elsewhere it can't be reached, and the files have to do.
 */
export function shortSocketPath(path: string): string {
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return path
  const folder = dirname(path)
  try {
    const before = folders.get(folder)
    if (before !== undefined) closeSync(before)
    folders.set(folder, openSync(folder, 'r'))
    return `/proc/self/fd/${folders.get(folder)}/${basename(path)}`
  } catch {
    folders.delete(folder)
    return path
  }
}
