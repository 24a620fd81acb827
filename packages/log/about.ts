import { z } from 'zod'
import { LogError } from './log-error.ts'
import { readRegularFile } from './regular-file.ts'

/** Said when the log is made; but for its mesh, and its end, it stays so. */
export interface AboutLog {
  /** Undefined while a log that stands alone has not heard of its mesh yet. */
  readonly meshId?: string | undefined
  /** Of the mesh: a log of an earlier one is never resumed. */
  readonly generation?: number | undefined
  /** Its name in checkpoints: the submission prefix without scheme (C2SP static-ct-api). */
  readonly origin: string
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** Nothing is added to it any more. */
  readonly readOnly: boolean
  /** The folder, by its name, of the log whose place it takes: as long as that has not ended, this one has not begun. */
  readonly replaces?: string | undefined
}

/** Far more than it has. */
const MAX_BYTES = 64 * 1024

const schema = z.object({
  meshId: z.string().optional(),
  generation: z.int().min(1).optional(),
  origin: z.string().min(1),
  createdAt: z.number(),
  readOnly: z.boolean(),
  replaces: z.string().optional(),
})

export function encodeAbout(about: AboutLog): string {
  return `${JSON.stringify(about, null, 2)}\n`
}

/** @throws LogError `LOG_INVALID` */
export async function readAbout(file: string): Promise<AboutLog> {
  try {
    return schema.parse(JSON.parse((await readRegularFile(file, { maxBytes: MAX_BYTES })).toString('utf8')))
  } catch (cause) {
    throw new LogError(
      'LOG_INVALID',
      `${file}, which says whose log this is, can't be read. Put it back as it was last; where that is not to be had, \`mtls rotate --log\` begins another log, or \`mtls log serve --new\` where it stands alone`,
      { cause },
    )
  }
}
