import { resolve } from 'node:path'
import { exportLog } from '@datapunk/log'
import { CliError } from '../cli-error.ts'
import type { LogCopyDocument } from '../documents/log.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import type { Asked } from './asked.ts'
import { nothingInLog } from './find-entry.ts'

/** Writes a copy of the newest log, all of it verified. */
export async function copyLog({ context, sources, subject }: Asked): Promise<ExitCode> {
  const { output, json } = context
  if (subject === '') throw new CliError('USAGE', 'found no DIR; allowed: `mtls log export DIR`')
  const { log, read } = sources.at(-1)!
  const folder = resolve(subject)
  const checkpoint = await output.during(`reading ${log.origin}`, exportLog(read, log, folder))
  if (checkpoint === undefined) throw nothingInLog('entry', 'a log with one')
  const { size } = checkpoint
  if (json) output.printJson({ log: log.origin, size, folder } satisfies LogCopyDocument)
  else output.tell(`wrote ${size} entries of ${log.origin}, all verified, to ${folder}`)
  return exitCode.done
}
