import { rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { basename, dirname } from 'node:path'
import { chdir, cwd } from 'node:process'

/** `sun_path` of unix(7) has 108 bytes, the last of them 0. */
const MAX_SOCKET_PATH_BYTES = 107

/** A new bundle brings every peer at once; the kernel takes less where its own limit is lower (listen(2)). */
const BACKLOG = 4096

/** Whoever serves holds the lock, so a socket that is there was left behind by an authority that was killed. */
export function listenOnSocket(server: Server, socket: string): Promise<void> {
  rmSync(socket, { force: true })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    byShortName(socket, (path) => server.listen({ path, backlog: BACKLOG }, resolve))
  })
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
