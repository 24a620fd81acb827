import {
  type Config,
  ConfigError,
  type ConfigPlace,
  MAX_CONFIG_BYTES,
  parseConfig,
  type ServiceConfig,
  spellingHint,
} from '@datapunk/protocol'
import { MeshError } from '../error.ts'
import { openFolderOf } from './open-folder.ts'
import { withRegularFile } from './regular-file.ts'

/** A config file as it was read, and what tells that it was written again. */
export interface ConfigReading {
  readonly config: Config
  readonly service: ServiceConfig
  readonly stamp: string
}

/**
 * @param previous returned again while the file has not been written anew
 * @throws MeshError `CONFIG_INVALID`, `CONFIG_UNREADABLE`, `SERVICE_UNKNOWN`
 */
export async function readConfig(
  place: ConfigPlace,
  service: string,
  previous?: ConfigReading,
): Promise<ConfigReading> {
  try {
    return await withRegularFile(place.file, MAX_CONFIG_BYTES, async ({ stats, read }) => {
      const { mode, mtimeNs, size, ino } = stats
      const stamp = `${ino}:${mtimeNs}:${size}:${mode}`
      if (stamp === previous?.stamp) return previous
      const writers = { mode: Number(mode), openFolder: openFolderOf(place.file) }
      const config = parseConfig(await read(), { ...place, ...writers })
      return { config, service: serviceIn(config, service), stamp }
    })
  } catch (cause) {
    if (cause instanceof MeshError) throw cause
    if (cause instanceof ConfigError) throw new MeshError('CONFIG_INVALID', cause.message, { cause })
    const { code, message } = cause as NodeJS.ErrnoException
    throw new MeshError(
      'CONFIG_UNREADABLE',
      `found no readable config file ${place.file} (${code ?? message}); allowed: the path in $MTLS_CONFIG or join's option "config"; \`mtls init\` writes a first one`,
      { cause, data: { file: place.file } },
    )
  }
}

function serviceIn(config: Config, name: string): ServiceConfig {
  const service = config.services.get(name)
  if (service !== undefined) return service
  const hint = spellingHint(name, config.services.keys())
  throw new MeshError(
    'SERVICE_UNKNOWN',
    `found no service "${name}"${hint} in ${config.file}; allowed: ${[...config.services.keys()].slice(0, 20).join(', ')}`,
    { data: { service: name } },
  )
}
