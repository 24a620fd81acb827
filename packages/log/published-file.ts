import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

/** More than any trust statement, or all roots of a mesh in PEM, have. */
const MAX_BYTES = 1024 * 1024

/**
 * Reads a file that the authority publishes. It is another user's folder: whatever lies there is not waited for, nor read beyond
 * what such a file can have.
 *
 * @throws Error it is no file, or larger; and what opening it throws
 */
export async function readPublished(file: string): Promise<Uint8Array> {
  // A named pipe would be waited for.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stat = await handle.stat()
    if (!stat.isFile() || stat.size > MAX_BYTES)
      throw new Error(`found in ${file} no file of up to ${MAX_BYTES} bytes`)
    const octets = Buffer.alloc(stat.size)
    const { bytesRead } = await handle.read(octets, 0, stat.size, 0)
    return octets.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}
