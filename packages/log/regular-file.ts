import { constants, type Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { LogError } from './log-error.ts'

export interface RegularFileOptions {
  /** What is larger is not read. */
  readonly maxBytes?: number
  /** Looks at the very file that is read; what it throws ends it. */
  readonly check?: (stats: Stats) => void
}

/**
 * Reads a file of a folder in which others may have put anything: a named pipe or a device there is not waited for, nor read.
 *
 * @throws LogError `LOG_WRONG` it is no file, or larger; and what opening it throws
 */
export async function readRegularFile(
  file: string,
  { maxBytes = Infinity, check }: RegularFileOptions = {},
): Promise<Buffer> {
  // A named pipe would be waited for.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw wrong(file, 'no regular file')
    if (stats.size > maxBytes) throw wrong(file, `a file of ${stats.size} bytes, more than ${maxBytes}`)
    check?.(stats)
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

function wrong(path: string, found: string): LogError {
  return new LogError(
    'LOG_WRONG',
    `found at ${path} ${found}; allowed: what was written there. Put that back`,
    { data: { path } },
  )
}
