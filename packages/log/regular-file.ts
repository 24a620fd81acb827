import { constants, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'
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
    const octets = Buffer.alloc(stats.size)
    const { bytesRead } = await handle.read(octets, 0, stats.size, 0)
    return octets.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

function wrong(path: string, found: string): LogError {
  return new LogError(
    'LOG_WRONG',
    `found at ${path} ${found}; allowed: what was written there. Put that back`,
    { data: { path } },
  )
}
