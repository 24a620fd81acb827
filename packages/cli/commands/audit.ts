import { type AuditRow, type AuditVerdict, AuthorityReader } from '@datapunk/authority'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import { type Context, loadConfig } from '../context.ts'
import type { AuditDocument, AuditVerdictDocument } from '../documents/audit.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import { countText } from '../text/action-text.ts'
import { auditEntryText } from '../text/audit-entry-text.ts'
import { auditFaultDocument, auditFaultText } from '../text/audit-fault-text.ts'
import type { Output } from '../text/output.ts'
import { timeSince, timeText } from '../text/time-text.ts'
import { tellUnknownService } from '../text/unknown-service.ts'

interface AuditOptions {
  readonly since?: string
  readonly service?: string
}

export const auditCommand: CommandSpec<AuditOptions> = {
  name: 'audit',
  arguments: '[verify]',
  completes: ['verify'],
  summary: 'what the authority has done, and whether the record of it is whole',
  description:
    'Shows what the authority has recorded of its deeds, oldest first: when, on whose behalf, what. `mtls audit verify` checks the whole record: the hash of every entry, their numbers, and the root of their tree against what each published bundle said of it, the newest one by its signature. It names the entries that were changed, put in, taken out or exchanged, or that a newer bundle lies published than the inventory knows, and then exits with 1. Both read the inventory, and nobody waits for them.',
  options: [
    ['--since <time|duration>', 'only entries of this time and later, as in 2026-11-23T21:51:00Z or 24h'],
    ['--service <service>', 'only entries about this service'],
  ],
  json: () => import('../documents/audit.ts'),
  examples: ['mtls audit --since 24h', 'mtls audit --service lake', 'mtls audit verify'],
  run(context, options, what) {
    if (what !== undefined && what !== 'verify')
      throw new CliError('USAGE', `found ${JSON.stringify(what)}; allowed: nothing, or "verify"`)
    if (what === 'verify' && (options.since ?? options.service) !== undefined)
      throw new CliError(
        'USAGE',
        'found --since or --service; allowed: neither, because all of it is verified',
      )
    const config = loadConfig(context)
    const observation = new AuthorityReader({ config, clock: context.world.clock })
    try {
      if (what === 'verify') return verify(context, observation)
      tellNothingYet(context, observation)
      const count = show(context, observation, options)
      if (count === 0 && options.service !== undefined)
        tellUnknownService(context.output, options.service, config)
      return exitCode.done
    } finally {
      observation.close()
    }
  },
}

function tellNothingYet({ output }: Context, observation: AuthorityReader): void {
  if (observation.status().meshId !== undefined) return
  output.tell('there is no mesh yet, and so no deeds: `mtls apply` makes it')
}

/** @returns how many entries there are */
function show({ output, json, world }: Context, observation: AuthorityReader, options: AuditOptions): number {
  const { since, service } = options
  const entries = observation.audit({
    since: since === undefined ? undefined : timeSince('--since', since, world.clock()),
    service,
  })
  if (json) {
    const document = entriesDocument(entries)
    output.printJson(document)
    return document.entries.length
  }
  let count = 0
  for (const row of entries) {
    output.print(lineOf(row, output))
    count++
  }
  return count
}

/** ` 42  2026-11-23T21:51:00Z  up  issued  serial 3f2a9c1b00ee56b8`. */
function lineOf({ number, at, actor, deed, entry }: AuditRow, output: Output): string {
  const when = output.styled('quiet', timeText(at))
  const what = output.styled('strong', deed.replaceAll('-', ' ').padEnd(25))
  return `${`${String(number).padStart(6)}  ${when}  ${actor.padEnd(16)}  ${what}  ${auditEntryText(entry)}`.trimEnd()}\n`
}

function verify(context: Context, observation: AuthorityReader): ExitCode {
  const { output, json } = context
  const verdict = output.whileBusy('checking the audit', (far) =>
    observation.verifyAudit((entries) => far(`${entries} entries`)),
  )
  const { faults } = verdict
  if (faults.length === 0) tellNothingYet(context, observation)
  if (json) output.printJson(verdictDocument(verdict))
  else tell(output, verdict)
  return faults.length > 0 ? exitCode.bad : exitCode.done
}

function tell(output: Output, { entries, root, bundles, signedBy, faults }: AuditVerdict): void {
  for (const fault of faults) output.tell(output.toldStyled('bad', auditFaultText(fault)))
  const against =
    signedBy === undefined
      ? 'no signed bundle says anything of them yet'
      : `held against ${countText(bundles, 'published bundle')}, the newest (${signedBy}) by its signature`
  output.tell(`checked ${entries === 1 ? '1 entry' : `${entries} entries`}: ${against}`)
  if (faults.length === 0) output.print(`the audit is whole: ${entries} ${root}\n`)
  else if (faults.some(({ kind }) => kind !== 'behind'))
    output.tell(
      'put back a backup of the inventory from before that, and find out who can write to the state folder',
    )
}

function entriesDocument(entries: Iterable<AuditRow>): AuditDocument {
  return { entries: Array.from(entries, (row) => ({ ...row, at: timeText(row.at) })) }
}

function verdictDocument({ signedBy, faults, ...verdict }: AuditVerdict): AuditVerdictDocument {
  return { ...verdict, signedBy: signedBy ?? null, faults: faults.map(auditFaultDocument) }
}
