import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import { completionScript, isShell, shells } from '../completion-script.ts'
import type { CompletionDocument } from '../documents/completion.ts'
import { exitCode } from '../exit-code.ts'
import { commonOptions } from '../program.ts'
import { commandSpecs } from './command-specs.ts'

export const completionCommand: CommandSpec = {
  name: 'completion',
  arguments: '<shell>',
  summary: 'a completion script for bash, zsh or fish',
  json: () => import('../documents/completion.ts'),
  examples: [
    'source <(mtls completion bash)',
    'mtls completion zsh > "$fpath[1]/_mtls"',
    'mtls completion fish > ~/.config/fish/completions/mtls.fish',
  ],
  run({ output, json }, _, shell = '') {
    if (!isShell(shell)) {
      throw new CliError('USAGE', `found the shell "${shell}"; allowed: ${shells.join(', ')}`)
    }
    const script = completionScript(shell, commandSpecs, commonOptions)
    if (json) output.printJson({ shell, script } satisfies CompletionDocument)
    else output.print(script)
    return exitCode.done
  },
}
