import type { Context } from './context.ts'
import type { JsonForm } from './documents/json-form.ts'
import type { ExitCode } from './exit-code.ts'

/** `in order`: may be given again and again; `options.inOrder` has all of them, as they were typed. */
export type CommandOption = readonly [flags: string, description: string, kind?: 'in order']

export interface OrderedOption {
  /** As in `--to`. */
  readonly flag: string
  readonly value: string
}

/** A command as data: the parser, the help and the shell completions are made from it. */
export interface CommandSpec<Options = object> {
  readonly name: string
  /** As in `<service>`. */
  readonly arguments?: string
  /** For completions, what its arguments may be: services of the config, or the first of them one of these words; else files. */
  readonly completes?: 'services' | readonly string[]
  readonly summary: string
  /** More than one line of it, for `--help`. */
  readonly description?: string
  readonly options?: readonly CommandOption[]
  /** What `--json` prints. Read only where somebody asks for it, because schemas take longer than most commands. */
  readonly json: () => Promise<{ readonly forms: readonly JsonForm[] }>
  /** Lines to copy. */
  readonly examples: readonly string[]
  run(context: Context, options: Options, ...args: string[]): ExitCode | Promise<ExitCode>
}
