import type {
  Administration,
  Enforcement,
  RevokePreview,
  RevokeReport,
  RevokeRequest,
} from '@datapunk/authority'
import { formatDocumentNumber } from '@datapunk/protocol'
import { withAdministration } from './administration.ts'
import { CliError } from './cli-error.ts'
import type { Context } from './context.ts'
import type { RevocationDocument, RevocationPreviewDocument } from './documents/revoke.ts'
import { type ExitCode, exitCode } from './exit-code.ts'
import { countText } from './text/action-text.ts'
import { eventText } from './text/event-text.ts'
import { instantText, timeText } from './text/time-text.ts'

/** As many names as are read. */
const SHOWN = 8

/** What a revocation would cut. Nothing is changed. */
export function previewRevocation(context: Context, request: RevokeRequest): Promise<ExitCode> {
  const { output, json } = context
  return withAdministration(context, { purpose: 'revoke' }, async (administration) => {
    const preview = await administration.previewRevocation(request)
    if (json) output.printJson(previewDocument(preview))
    else for (const line of previewLines(preview)) output.print(`${line}\n`)
    return exitCode.done
  })
}

/**
 * Revokes, and waits until whoever is live enforces it. It asks first, where a service would be left without any certificate.
 *
 * @param wait for live peers, milliseconds
 */
export function revoke(
  context: Context,
  request: RevokeRequest,
  { wait, yes }: { readonly wait: number; readonly yes: boolean },
): Promise<ExitCode> {
  const { output, json } = context
  const report = (event: Parameters<typeof eventText>[0]) => output.tell(eventText(event, output))
  return withAdministration(context, { purpose: 'revoke', report }, async (administration) => {
    if (!yes && !(await isMeant(context, administration, request))) {
      throw new CliError(
        'APPROVAL_MISSING',
        'nothing was revoked, because nobody said yes; allowed: an answer at a terminal, or the same with --yes',
      )
    }
    const done = await output.during('revoking', administration.revoke(request))
    const waiting = administration.enforcement({ bundle: done.bundle, wait })
    const enforcement = await output.during('waiting for peers', waiting)
    if (json) output.printJson(documentOf(done, enforcement))
    else tell(context, done, enforcement)
    const isWhole =
      done.failed.length === 0 && enforcement.late.length === 0 && enforcement.untold.length === 0
    return isWhole ? exitCode.done : exitCode.bad
  })
}

async function isMeant(
  { output, world }: Context,
  administration: Administration,
  request: RevokeRequest,
): Promise<boolean> {
  const { lastOf, cas } = await administration.previewRevocation(request)
  if (cas.length > 0) {
    const breaks = `${cas.join(', ')} is in use: it is replaced, every certificate under it is issued anew, and connections under the old ones are cut at once`
    output.tell(output.toldStyled('warning', breaks))
  }
  if (lastOf.length > 0) {
    const left = `${lastOf.join(', ')} ${lastOf.length === 1 ? 'is' : 'are'} left without any certificate: its connections are cut at once`
    output.tell(output.toldStyled('warning', left))
  }
  if (cas.length === 0 && lastOf.length === 0) return true
  if (!world.stdin.isTTY || !world.stderr.isTTY) return false
  return /^y(es)?$/i.test((await output.ask('Revoke? [y/N] ')).trim())
}

function tell({ output }: Context, report: RevokeReport, enforcement: Enforcement): void {
  const { at, revoked, already, keys, barred, reissued, failed, bundle } = report
  for (const { serial, service } of revoked)
    output.tell(`revoked ${serial.slice(0, 16)}${service === undefined ? '' : ` of ${service}`}`)
  for (const { serial, reason, at: since } of already)
    output.tell(`${serial.slice(0, 16)} was revoked at ${timeText(since)} (${reason}), and stays so`)
  for (const line of keyLines(keys)) output.tell(line)
  for (const service of barred)
    output.tell(`${service} gets no certificate until \`mtls issue ${service}\` lets it in again`)
  for (const service of reissued) output.tell(`${service} has new pairs`)
  for (const { instance, message } of failed)
    output.tell(output.toldStyled('bad', `${instance}: no new pair: ${message}`))
  output.tell(`recorded at ${instantText(at)}, in bundle ${formatDocumentNumber(bundle)}`)
  for (const line of enforcementLines(enforcement, at)) output.tell(line)
  const { late, untold } = enforcement
  if (late.length > 0) output.tell(output.toldStyled('bad', `late, and live: ${names(late)}`))
  if (untold.length > 0)
    output.tell(output.toldStyled('bad', `reads files, and has not been told yet: ${names(untold)}`))
}

/** Who enforces a bundle, for people. @param at since when it is asked for, milliseconds since the epoch */
export function enforcementLines(
  { enforced, late, silent, byFile, served }: Enforcement,
  at: number,
): string[] {
  const lines: string[] = []
  const last = enforced.reduce((longest, one) => Math.max(longest, one.at - at), 0)
  if (!served)
    lines.push(
      'no authority serves peers now: they read it in their files; `mtls up` hears what they enforce',
    )
  else if (enforced.length + late.length > 0) {
    const all = enforced.length + late.length
    lines.push(`enforced by ${enforced.length} of ${countText(all, 'live peer')} after ${last} ms`)
  } else lines.push('no live peer: nobody was there to say that it is enforced')
  if (byFile.length > 0) lines.push(`known only by file: ${names(byFile)}`)
  for (const { instance, until } of silent.slice(0, SHOWN))
    lines.push(`silent: ${instance}, which may go on by what it knew until ${timeText(until)}`)
  if (silent.length > SHOWN) lines.push(`silent: ${silent.length - SHOWN} more`)
  return lines
}

function names(all: readonly string[]): string {
  const shown = [...new Set(all)].sort()
  const more = shown.length - SHOWN
  return shown.slice(0, SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

function keyLines(keys: readonly string[]): string[] {
  const verb = keys.length === 1 ? 'gets' : 'get'
  return keys.length === 0 ? [] : [`${countText(keys.length, 'key')} ${verb} no certificate any more`]
}

function previewLines(preview: RevokePreview): string[] {
  const { certificates, bars, reissues, lastOf, cas, already, keys, cuts, peers } = preview
  const connections = cuts.reduce((sum, one) => sum + one.connections, 0)
  const where = cuts.map((one) => `${one.service} ${one.connections}`).join(', ')
  return [
    ...certificates.map(
      ({ serial, service, notAfter }) =>
        `${serial.slice(0, 16)}${service === undefined ? '' : ` of ${service}`}, valid until ${timeText(notAfter)}`,
    ),
    ...already.map(
      ({ serial, reason, at }) => `${serial.slice(0, 16)} is revoked since ${timeText(at)} (${reason})`,
    ),
    ...keyLines(keys),
    ...bars.map((service) => `${service} would get no certificate until \`mtls issue ${service}\``),
    ...reissues.map((service) => `${service} would get new pairs at once`),
    ...(lastOf.length > 0 ? [`left without any certificate: ${names(lastOf)}`] : []),
    ...cas.map((slot) => `${slot} would be replaced, and every certificate under it issued anew`),
    `${countText(connections, 'open connection')} cut${where === '' ? '' : ` (${where})`}, by the peers’ own reports`,
    `${countText(peers.length, 'service')} told and waited for${peers.length > 0 ? `: ${names(peers)}` : ''}`,
  ]
}

function previewDocument(preview: RevokePreview): RevocationPreviewDocument {
  return {
    ...preview,
    certificates: preview.certificates.map((one) => ({
      ...one,
      service: one.service ?? null,
      notAfter: timeText(one.notAfter),
    })),
    already: preview.already.map((one) => ({ ...one, at: timeText(one.at) })),
  }
}

function documentOf(report: RevokeReport, enforcement: Enforcement): RevocationDocument {
  const { enforced, silent, late, byFile, untold, served } = enforcement
  return {
    recordedAt: instantText(report.at),
    bundle: formatDocumentNumber(report.bundle),
    revoked: report.revoked.map(({ serial, service = null }) => ({ serial, service })),
    already: report.already.map((one) => ({ ...one, at: timeText(one.at) })),
    keys: report.keys,
    barred: report.barred,
    reissued: report.reissued,
    failed: report.failed,
    enforced: enforced.map(({ service, instance, at }) => ({
      ...{ service, instance, afterMs: Math.max(0, at - report.at) },
    })),
    late,
    silent: silent.map(({ instance, until }) => ({ instance, until: timeText(until) })),
    byFile,
    untold,
    served,
  }
}
