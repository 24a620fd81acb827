import type { CommandSpec } from '../command-spec.ts'
import { exitCode } from '../exit-code.ts'
import { statusDocument } from '../status/status-document.ts'
import { lookAtStatus } from '../status/status-look.ts'
import { faultLines, statusText } from '../status/status-text.ts'

export const statusCommand: CommandSpec<{ watch?: boolean }> = {
  name: 'status',
  summary: 'the mesh at a glance: CAs, certificates, how long it goes on by itself',
  description:
    'Shows the CAs, every certificate and until when it is valid, what each service enforces, whom a roll-over waits for, which root keys it asks for, and how long the mesh goes on if the authority does nothing from now on. Exits with 1 when something is expired, late, missing or not the pair recorded last, or the log can’t be had. With --watch it looks again every two seconds until Ctrl-C, and shows what has changed: in place on a terminal, else a line each time.',
  options: [['--watch', 'go on, and show what changes, until Ctrl-C']],
  json: () => import('../documents/status.ts'),
  examples: ['mtls status', 'mtls status --watch', 'mtls status --json | jq .outageBudgetSeconds'],
  async run(context, { watch = false }) {
    if (watch) {
      const { watchStatus } = await import('../status/watch-status.ts')
      return watchStatus(context)
    }
    const { output, json } = context
    const look = await lookAtStatus(context)
    if (json) output.printJson(statusDocument(look))
    else {
      output.print(statusText(look, output))
      for (const line of faultLines(look)) output.tell(output.toldStyled('bad', line))
    }
    return look.isBad ? exitCode.bad : exitCode.done
  },
}
