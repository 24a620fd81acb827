import { askConsoleLink } from '@datapunk/authority'
import { layoutOf } from '@datapunk/protocol'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import { loadConfig } from '../context.ts'
import type { ConsoleDocument } from '../documents/console.ts'
import { exitCode } from '../exit-code.ts'
import { spanText, timeText } from '../time-text.ts'

interface ConsoleOptions {
  readonly readOnly?: boolean
}

export const consoleCommand: CommandSpec<ConsoleOptions> = {
  name: 'console',
  summary: 'a link to the console, a web page that shows the mesh',
  description:
    'Prints a link that lets one browser in, once, within five minutes, for as long as twelve hours. `mtls up` serves the page (authority.console), to this machine alone. The link is printed to a terminal only: whoever reads it may come in, so it belongs in no log. From another machine: `ssh -L 7483:127.0.0.1:7483 HOST`, and `mtls console` there.',
  options: [['--read-only', 'whoever comes by it may look, and do nothing']],
  json: () => import('../documents/console.ts'),
  examples: ['mtls console', 'mtls console --read-only'],
  async run(context, { readOnly = false }) {
    const { world, output, json } = context
    const { adminSocket } = layoutOf(loadConfig(context)).authority
    if (!world.stdout.isTTY)
      throw new CliError(
        'USAGE',
        'found no terminal; allowed: one, because the link is a key, and what is not shown to somebody is kept somewhere',
      )
    const asker = { purpose: 'console', uid: world.uid }
    const { url, endsAt } = await askConsoleLink(adminSocket, { readOnly }, asker)
    if (json) output.printJson({ url, endsAt: timeText(endsAt) } satisfies ConsoleDocument)
    else {
      output.print(`${url}\n`)
      const until = `for one browser, within ${spanText(endsAt - world.clock())}`
      output.tell(output.toldStyled('quiet', readOnly ? `${until}, to look and do nothing` : until))
    }
    return exitCode.done
  },
}
