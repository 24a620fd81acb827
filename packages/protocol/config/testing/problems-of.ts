import { ConfigError, type ConfigProblem } from '../../error.ts'
import { type ParseConfigOptions, parseConfig } from '../parse.ts'

/** What is wrong with this text as a config file; nothing where it is one. */
export function problemsOf(
  text: string | Uint8Array,
  options: Partial<ParseConfigOptions> = {},
): readonly ConfigProblem[] {
  try {
    parseConfig(text, { file: 'mtls-config.yaml', ...options })
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}
