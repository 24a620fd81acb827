import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
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

/** @throws CliError `FILE_UNREADABLE`, also for more than `maxBytes` */
export function readFile(file: string, maxBytes: number): Uint8Array {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, 'r')
    const { size } = fstatSync(descriptor)
    if (size > maxBytes) throw tooLarge(file, size, maxBytes)
    return readFileSync(descriptor)
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new CliError('FILE_UNREADABLE', `found no readable file ${file} (${reason})`, { cause })
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

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

function tooLarge(file: string, size: number, maxBytes: number): CliError {
  return new CliError('FILE_UNREADABLE', `found ${size} bytes in ${file}; allowed: at most ${maxBytes}`)
}
