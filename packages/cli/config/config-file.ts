import { closeSync, fstatSync, openSync } from 'node:fs'
import { openFolderOf } from '@datapunk/mesh/open-folder'
import { type Config, ConfigError, type ConfigPlace, MAX_CONFIG_BYTES, parseConfig } from '@datapunk/protocol'
import { CliError } from '../cli-error.ts'
import { readUpTo } from '../files.ts'

/** @throws ConfigError with every fault at once; CliError `CONFIG_UNREADABLE` */
export function readConfigFile(place: ConfigPlace): Config {
  const { bytes, mode } = readFile(place.file)
  return parseConfig(bytes, { ...place, mode, openFolder: openFolderOf(place.file) })
}

function readFile(file: string): { bytes: Uint8Array; mode: number } {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, 'r')
    const { mode, size } = fstatSync(descriptor)
    // Before it is read: whatever is larger is not read at all.
    const bytes = size > MAX_CONFIG_BYTES ? undefined : readUpTo(descriptor, MAX_CONFIG_BYTES)
    if (bytes === undefined) {
      const found = size > MAX_CONFIG_BYTES ? size : `more than ${MAX_CONFIG_BYTES}`
      const message = `found ${found} bytes; allowed: at most ${MAX_CONFIG_BYTES}`
      throw new ConfigError(file, [{ line: 1, column: 1, message }])
    }
    return { bytes, mode }
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new CliError(
      'CONFIG_UNREADABLE',
      `found no readable config file ${file} (${reason}); allowed: the path in --config or $MTLS_CONFIG; \`mtls init\` writes a first one`,
      { cause },
    )
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}
