import { askConsoleLink } from '@datapunk/authority'
import { isLoopback, layoutOf } from '@datapunk/protocol'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import { type Context, loadConfig } from '../context.ts'
import type { ConsoleDocument } from '../documents/console.ts'
import { exitCode } from '../exit-code.ts'
import { spanText, timeText } from '../text/time-text.ts'

interface ConsoleOptions {
  readonly readOnly?: boolean
}

export const consoleCommand: CommandSpec<ConsoleOptions> = {
  name: 'console',
  summary: 'a link to the console, a web page that shows the mesh',
  description:
    'Prints a link that lets one browser in, once, within five minutes, for as long as twelve hours. `mtls up` serves the page (authority.console), to this machine alone. The link is printed to a terminal only: whoever reads it may come in, so it belongs in no log. From another machine: `ssh -L 7483:127.0.0.1:7483 HOST`, and `mtls console` there. Where authority.console is an address that other machines reach, it prints that: operators come in by their certificates (`mtls issue --operator`).',
  options: [['--read-only', 'whoever comes by it may look, and do nothing']],
  json: () => import('../documents/console.ts'),
  examples: ['mtls console', 'mtls console --read-only'],
  async run(context, { readOnly = false }) {
    const { world } = context
    const config = loadConfig(context)
    const isForOperators = !isLoopback(config.authority.console?.host ?? 'localhost')
    if (isForOperators && readOnly)
      throw new CliError(
        'USAGE',
        'found --read-only, and a console for operators; allowed: operators.NAME.read_only in the config',
      )
    if (!isForOperators) checkTerminal(context)
    const { adminSocket } = layoutOf(config).authority
    const asker = { purpose: 'console', uid: world.uid }
    const { url, endsAt } = await askConsoleLink(adminSocket, { readOnly }, asker)
    if (endsAt === null) sayPlace(context, url)
    else sayLink(context, { url, endsAt, readOnly })
    return exitCode.done
  },
}

function checkTerminal({ world }: Context): void {
  if (world.stdout.isTTY) return
  throw new CliError(
    'USAGE',
    'found no terminal; allowed: one, because the link is a key, and what is not shown to somebody is kept somewhere',
  )
}

function sayLink(
  context: Context,
  { url, endsAt, readOnly }: { readonly url: string; readonly endsAt: number; readonly readOnly: boolean },
): void {
  checkTerminal(context)
  const { output, json, world } = context
  if (json) {
    output.printJson({ url, endsAt: timeText(endsAt) } satisfies ConsoleDocument)
    return
  }
  output.print(`${url}\n`)
  const until = `for one browser, within ${spanText(endsAt - world.clock())}`
  output.tell(output.toldStyled('quiet', readOnly ? `${until}, to look and do nothing` : until))
}

/** It is no secret. */
function sayPlace({ output, json }: Context, url: string): void {
  if (json) {
    output.printJson({ url, endsAt: null } satisfies ConsoleDocument)
    return
  }
  output.print(`${url}\n`)
  const who = 'for operators, by their certificates: `mtls issue --operator NAME --csr FILE` makes one'
  output.tell(output.toldStyled('quiet', who))
}
