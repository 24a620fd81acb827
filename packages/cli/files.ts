import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { CliError } from './cli-error.ts'

/**
 * What a command is given to read.
 *
 * @param file a path; `-` is stdin
 * @throws CliError `FILE_UNREADABLE`, also for more than `maxBytes`
 */
export async function readInput(
  file: string,
  maxBytes: number,
  stdin: AsyncIterable<Uint8Array>,
): Promise<Uint8Array> {
  return file === '-' ? readAll(stdin, maxBytes) : readFile(file, maxBytes)
}

/**
 * @param options.isForeign whoever put it there is not who named it: what is no file, as a named pipe, is neither waited for nor read
 * @throws CliError `FILE_UNREADABLE`, also for more than `maxBytes`
 */
export function readFile(
  file: string,
  maxBytes: number,
  { isForeign = false }: { readonly isForeign?: boolean } = {},
): Uint8Array {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, isForeign ? constants.O_RDONLY | constants.O_NONBLOCK : constants.O_RDONLY)
    const stats = fstatSync(descriptor)
    const { size } = stats
    if (isForeign && !stats.isFile()) throw new Error('no regular file')
    const bytes = size > maxBytes ? undefined : readUpTo(descriptor, maxBytes)
    if (bytes === undefined) throw tooLarge(file, size, maxBytes)
    return bytes
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    const reason = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message
    throw new CliError('FILE_UNREADABLE', `found no readable file ${file} (${reason})`, { cause })
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** Reads to the end, also of a pipe. @returns undefined where there is more, as of a device that never ends */
export function readUpTo(descriptor: number, maxBytes: number): Uint8Array | undefined {
  const chunks: Uint8Array[] = []
  for (let size = 0; ; ) {
    const chunk = Buffer.alloc(Math.min(CHUNK, maxBytes + 1 - size))
    const length = readSync(descriptor, chunk)
    if (length === 0) return Buffer.concat(chunks)
    size += length
    if (size > maxBytes) return undefined
    chunks.push(chunk.subarray(0, length))
  }
}

/** Bytes. */
const CHUNK = 64 * 1024

/**
 * Sees before the work that what it gives can be written: what is issued and then lost is on record all the same.
 *
 * @param file undefined: nothing is to be written
 * @throws CliError `FILE_UNWRITABLE`
 */
export function proveWritable(file: string | undefined): void {
  if (file === undefined) return
  draftOf(file, (draft) => {
    const there = statSync(file, { throwIfNoEntry: false })
    if (there?.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' })
    if (there !== undefined && !there.isFile()) return
    // Beside a file without a name a draft can be written all the same.
    if (file === '') throw Object.assign(new Error('no name'), { code: 'ENOENT' })
    writeFileSync(draft, '', { mode: 0o644, flag: 'wx' })
    rmSync(draft)
  })
}

/** Writes a file as a whole or not at all; one that is there is replaced. @throws CliError `FILE_UNWRITABLE` */
export function writeOutput(file: string, content: string): void {
  draftOf(file, (draft) => {
    const there = statSync(file, { throwIfNoEntry: false })
    // What is no file, as /dev/stdout, is written to, and not replaced by one.
    if (there !== undefined && !there.isFile() && !there.isDirectory()) return writeFileSync(file, content)
    writeFileSync(draft, content, { mode: 0o644, flag: 'wx' })
    renameSync(draft, file)
  })
}

function draftOf(file: string, write: (draft: string) => void): void {
  const draft = `${file}.${process.pid}.new`
  try {
    write(draft)
  } catch (cause) {
    rmSync(draft, { force: true })
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new CliError(
      'FILE_UNWRITABLE',
      `${file} can't be written (${reason}); allowed: a path in a folder that may be written to`,
      { cause },
    )
  }
}

async function readAll(stdin: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stdin) {
    size += chunk.byteLength
    if (size > maxBytes) throw tooLarge('stdin', size, maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** @param size 0 where it has none, as a device */
function tooLarge(file: string, size: number, maxBytes: number): CliError {
  const found = size > maxBytes ? size : `more than ${maxBytes}`
  return new CliError('FILE_UNREADABLE', `found ${found} bytes in ${file}; allowed: at most ${maxBytes}`)
}
