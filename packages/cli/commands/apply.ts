import type { Action, ApplyReport, Status } from '@datapunk/authority'
import type { Config } from '@datapunk/protocol'
import { type Deed, withAdministration, withAuthority } from '../administration.ts'
import type { CommandSpec } from '../command-spec.ts'
import { type Context, loadConfig } from '../context.ts'
import type { ApplyDocument } from '../documents/apply.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import { countText, toldRow } from '../text/action-text.ts'
import { eventText } from '../text/event-text.ts'
import { protectionText } from '../text/protection-text.ts'
import { askDocument, askText, takeAwayText } from '../text/root-key-text.ts'

interface ApplyOptions {
  readonly yes?: boolean
  readonly purge?: boolean
  readonly adoptCa?: boolean
}

export const applyCommand: CommandSpec<ApplyOptions> = {
  name: 'apply',
  summary: 'make what is into what the config says',
  description:
    'Makes what is into what the config file says: keys, certificates, members, files. Asks before it does anything destructive. A second apply does nothing. The first one makes the CA.',
  options: [
    ['--yes', 'do destructive actions without asking'],
    ['--purge', 'remove the files of services that are no longer members'],
    ['--adopt-ca', 'take the CA at paths.ca_cert and paths.ca_key over; at the first apply only'],
  ],
  json: () => import('../documents/apply.ts'),
  examples: ['mtls apply', 'mtls apply --yes --purge', 'mtls apply --env demo --root .demo'],
  run(context, options) {
    const deed = applying(context, options)
    if (!options.adoptCa) return withAdministration(context, reporting(context), deed)
    const config = loadConfig(context)
    return withAuthority(context, config, { ...reporting(context), adopting: true }, async (authority) => {
      await authority.adopt()
      return deed(authority, config, false)
    })
  },
}

function applying(context: Context, options: ApplyOptions): Deed<ExitCode> {
  return async (administration, config, running) => {
    const { output, json } = context
    const approve = (actions: readonly Action[]) => approval(context, actions, options.yes === true)
    const report = await output.during('applying', administration.apply({ approve }))
    const purged = options.purge ? await administration.purge() : []
    const status = await administration.status()
    const ahead = status.ahead?.message
    if (json) output.printJson(documentOf(report, purged, ahead))
    else {
      if (running && report.done.length > 0)
        output.tell(output.toldTable(report.done.map((action) => toldRow(action, output))))
      for (const path of purged) output.tell(`removed ${path}`)
      tellOutcome(context, report, ahead)
    }
    warnOfKeys(context, config, status)
    const isDone = report.declined.length + report.failed.length === 0 && ahead === undefined
    return isDone ? exitCode.done : exitCode.bad
  }
}

function reporting({ output }: Context) {
  return {
    purpose: 'apply',
    report: (event: Parameters<typeof eventText>[0]) => output.tell(eventText(event, output)),
  }
}

/** Yes on the command line, or from somebody at a terminal; where there is neither, no. */
async function approval(context: Context, actions: readonly Action[], yes: boolean): Promise<boolean> {
  if (yes) return true
  const { output, world } = context
  output.tell(output.toldTable(actions.map((action) => toldRow(action, output))))
  if (!world.stdin.isTTY || !world.stderr.isTTY) return false
  const answer = await output.ask(`Do ${actions.length === 1 ? 'this' : `these ${actions.length}`}? [y/N] `)
  return /^y(es)?$/i.test(answer.trim())
}

function tellOutcome(
  { output }: Context,
  { done, declined, failed, asks, bundle }: ApplyReport,
  ahead: string | undefined,
): void {
  for (const { action, error } of failed) {
    output.tell(output.toldStyled('bad', `${action.subject}: not done: ${action.kind}: ${error.message}`))
  }
  if (declined.length > 0) {
    const refusal = `${countText(declined.length, 'destructive action')} not done, because nobody said yes; allowed: an answer at a terminal, or \`mtls apply --yes\``
    output.tell(output.toldStyled('bad', refusal))
  }
  for (const ask of asks) output.tell(output.toldStyled('warning', askText(ask)))
  if (ahead !== undefined) output.tell(output.toldStyled('bad', ahead))
  const waits = failed.length + declined.length + asks.length > 0 || ahead !== undefined
  const nothing = waits ? 'nothing done' : 'nothing to do'
  const did = done.length === 0 ? nothing : `${countText(done.length, 'action')} done`
  output.tell(`${did}; bundle ${bundle} is in force`)
}

function documentOf(
  report: ApplyReport,
  purged: readonly string[],
  ahead: string | undefined,
): ApplyDocument {
  const { bundle, done, declined, failed, asks } = report
  return {
    bundle,
    done,
    declined,
    failed: failed.map(({ action, error }) => ({ action, message: error.message })),
    asks: asks.map(askDocument),
    ahead: ahead ?? null,
    purged,
  }
}

function warnOfKeys({ output }: Context, config: Config, status: Status): void {
  const { keysUnprotected, takeAway, waits } = status
  if (keysUnprotected)
    output.tell(output.toldStyled('warning', `the CA keys are ${protectionText(config, true)}`))
  for (const place of takeAway)
    output.tell(output.toldStyled('warning', takeAwayText(place, waits.length > 0)))
}
