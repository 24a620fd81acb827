import type { Config, ConfigPlace } from '@datapunk/protocol'
import { readConfigFile } from './config/config-file.ts'
import type { Output } from './text/output.ts'
import type { World } from './world.ts'

/** What every command is given: the world, the options that all commands have, and where its words go. */
export interface Context {
  readonly world: World
  readonly output: Output
  readonly place: ConfigPlace
  /** `--json`: one document on stdout instead of text. */
  readonly json: boolean
}

/** @throws ConfigError with every fault at once; CliError `CONFIG_UNREADABLE` */
export function loadConfig({ place, output }: Context): Config {
  return output.whileBusy('reading the config', () => readConfigFile(place))
}
