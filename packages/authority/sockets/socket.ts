import { once } from 'node:events'
import { chmodSync, unlinkSync } from 'node:fs'
import type { Server } from 'node:http'
import { basename, dirname } from 'node:path'
import { chdir, cwd } from 'node:process'
import { diskFailure, hasCode } from '../disk/disk-failure.ts'

/** `sun_path` of unix(7) has 108 bytes, the last of them 0. */
const MAX_SOCKET_PATH_BYTES = 107

/** A new bundle brings every peer at once; the kernel takes less where its own limit is lower (listen(2)). */
const BACKLOG = 4096

/**
 * Whoever serves holds the lock, so a socket that is there was left behind by an authority that was killed. A server that listens
 * already does so here from now on, and whoever is connected stays so.
 *
 * @param mode permission bits: who may connect
 * @throws AuthorityError `DISK_FAILED`; then it does not listen
 */
export async function listenOnSocket(server: Server, socket: string, mode: number): Promise<void> {
  try {
    byShortName(socket, (path) => {
      // It removes what lies at its path, by the name that it was given.
      if (server.listening) server.close()
      removeSocket(path)
      server.listen({ path, backlog: BACKLOG })
    })
    await once(server, 'listening')
    chmodSync(socket, mode)
  } catch (error) {
    server.close()
    throw diskFailure(error, socket)
  }
}

function removeSocket(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}

/** A name too long for a socket address is used from its own folder, where it is short. `use` must be synchronous. */
export function byShortName(socket: string, use: (path: string) => void): void {
  if (Buffer.byteLength(socket) <= MAX_SOCKET_PATH_BYTES) {
    use(socket)
    return
  }
  const before = cwd()
  chdir(dirname(socket))
  try {
    use(basename(socket))
  } finally {
    chdir(before)
  }
}
