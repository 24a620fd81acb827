import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/** A named pipe would be waited for. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/** A file that is open: what is known of it is of the very file that is read. */
export interface RegularFile {
  readonly stats: BigIntStats
  read(): Promise<Buffer>
}

/**
 * Opens a file that others may have put in its place, for as long as it is used: a named pipe or a device is neither waited for nor
 * read.
 *
 * @param maxBytes what is larger is not read
 * @throws Error as the system gives it, or without a `code` for what is no file, or too large; what `use` throws
 */
export async function withRegularFile<Result>(
  file: string,
  maxBytes: number,
  use: (file: RegularFile) => Promise<Result>,
): Promise<Result> {
  const handle = await open(file, FLAGS)
  try {
    const stats = await handle.stat({ bigint: true })
    const size = sizeOf(stats, maxBytes)
    return await use({ stats, read: () => readUpTo(handle, size) })
  } finally {
    await handle.close()
  }
}

/** Reads a file, as `withRegularFile` opens it. */
export function readRegularFile(file: string, maxBytes = Number.POSITIVE_INFINITY): Promise<Buffer> {
  return withRegularFile(file, maxBytes, ({ read }) => read())
}

/** As `readRegularFile`, for whoever can't wait. */
export function readRegularFileSync(file: string, maxBytes: number): Buffer {
  const descriptor = openSync(file, FLAGS)
  try {
    return readUpToSync(descriptor, sizeOf(fstatSync(descriptor, { bigint: true }), maxBytes))
  } finally {
    closeSync(descriptor)
  }
}

function sizeOf(stats: BigIntStats, maxBytes: number): number {
  if (!stats.isFile()) throw new Error('no regular file')
  if (stats.size > maxBytes) throw new Error(`${stats.size} bytes, where at most ${maxBytes} are allowed`)
  return Number(stats.size)
}

/** One read may give less than there is. */
async function readUpTo(handle: FileHandle, size: number): Promise<Buffer> {
  const octets = Buffer.alloc(size)
  let length = 0
  for (let read = -1; read !== 0 && length < size; length += read)
    read = (await handle.read(octets, length, size - length, length)).bytesRead
  return octets.subarray(0, length)
}

function readUpToSync(descriptor: number, size: number): Buffer {
  const octets = Buffer.alloc(size)
  let length = 0
  for (let read = -1; read !== 0 && length < size; length += read)
    read = readSync(descriptor, octets, length, size - length, length)
  return octets.subarray(0, length)
}
