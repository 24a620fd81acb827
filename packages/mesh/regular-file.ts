import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/**
 * Reads a file that others may have put in its place: a named pipe or a device is neither waited for nor read.
 *
 * @param maxBytes what is larger is not read
 * @throws Error as the system gives it, or without a `code` for what is no file, or too large
 */
export async function readRegularFile(file: string, maxBytes = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw new Error('no regular file')
    if (stats.size > maxBytes) throw new Error(`${stats.size} bytes, where at most ${maxBytes} are allowed`)
    return await readUpTo(handle, stats.size)
  } finally {
    await handle.close()
  }
}

/** One read may give less than there is. */
async function readUpTo(handle: FileHandle, size: number): Promise<Buffer> {
  const octets = Buffer.alloc(size)
  let length = 0
  for (let read = -1; read !== 0 && length < size; length += read)
    read = (await handle.read(octets, length, size - length, length)).bytesRead
  return octets.subarray(0, length)
}
