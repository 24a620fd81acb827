import type { Context } from './context.ts'
import type { ExitCode } from './exit-code.ts'

/** A command as data: the parser, the help and the shell completions are made from it. */
export interface CommandSpec<Options = object> {
  readonly name: string
  /** As in `<service>`. */
  readonly arguments?: string
  readonly summary: string
  /** More than one line of it, for `--help`. */
  readonly description?: string
  readonly options?: readonly (readonly [flags: string, description: string])[]
  /** The document that `--json` prints, for `--help`. */
  readonly json: string
  /** Lines to copy. */
  readonly examples: readonly string[]
  run(context: Context, options: Options, ...args: string[]): ExitCode | Promise<ExitCode>
}
