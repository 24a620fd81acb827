import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import { type Context, loadConfig } from '../context.ts'
import type { CompletionDocument, ServicesDocument } from '../documents/completion.ts'
import { isShell, shells } from '../documents/shells.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import { completionScript } from '../help/completion-script.ts'
import { commonOptions } from '../program.ts'

/** @param all every command there is, this one too */
export const completionCommand = (
  all: () => Promise<readonly CommandSpec[]>,
): CommandSpec<{ services?: boolean }> => ({
  name: 'completion',
  arguments: '[shell]',
  completes: shells,
  summary: 'a completion script for bash, zsh or fish',
  description:
    'Prints a script that completes commands, options and the services of the config. What is a service it asks with --services, each time.',
  options: [['--services', 'the services of the config instead, a line each']],
  json: () => import('../documents/completion.ts'),
  examples: [
    'source <(mtls completion bash)',
    'mtls completion zsh > "$fpath[1]/_mtls"',
    'mtls completion fish > ~/.config/fish/completions/mtls.fish',
  ],
  async run(context, { services = false }, shell) {
    if (services && shell === undefined) return showServices(context)
    if (services || shell === undefined || !isShell(shell)) {
      const found = services ? 'a shell and --services' : `the shell "${shell ?? ''}"`
      throw new CliError('USAGE', `found ${found}; allowed: ${shells.join(', ')}, or --services alone`)
    }
    const { output, json } = context
    const script = completionScript(shell, await all(), commonOptions)
    if (json) output.printJson({ shell, script } satisfies CompletionDocument)
    else output.print(script)
    return exitCode.done
  },
})

function showServices(context: Context): ExitCode {
  const { output, json } = context
  const services = [...loadConfig(context).services.keys()]
  if (json) output.printJson({ services } satisfies ServicesDocument)
  else for (const service of services) output.print(`${service}\n`)
  return exitCode.done
}
