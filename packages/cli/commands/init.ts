import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import { configTemplate } from '../config/config-template.ts'
import type { InitDocument } from '../documents/init.ts'
import { exitCode } from '../exit-code.ts'

export const initCommand: CommandSpec = {
  name: 'init',
  summary: 'write a first config file',
  description:
    'Writes a commented config file with sensible values. Makes no key, and never writes over a file that is there.',
  json: () => import('../documents/init.ts'),
  examples: ['mtls init', 'mtls init --config deploy/mtls-config.yaml'],
  run({ place, output, json }) {
    const { file } = place
    try {
      writeNew(file)
    } catch (cause) {
      throw refusal(file, cause as NodeJS.ErrnoException)
    }
    if (json) output.printJson({ file } satisfies InitDocument)
    output.tell(`wrote ${file}: name your services in it, then \`mtls plan\` and \`mtls apply\``)
    return exitCode.done
  },
}

/** As a whole or not at all: half of it would be in the way of the next `mtls init`. */
function writeNew(file: string): void {
  const descriptor = openSync(file, 'wx', 0o644)
  try {
    writeFileSync(descriptor, configTemplate)
  } catch (cause) {
    rmSync(file)
    throw cause
  } finally {
    closeSync(descriptor)
  }
}

function refusal(file: string, cause: NodeJS.ErrnoException): CliError {
  if (cause.code === 'EEXIST') {
    const message = `found ${file}, which init never writes over; allowed: another path in --config, or move that file away`
    return new CliError('FILE_EXISTS', message, { cause })
  }
  const message = `${file} can't be written (${cause.code}); allowed: a path in a folder that is there and may be written to`
  return new CliError('FILE_UNWRITABLE', message, { cause })
}
