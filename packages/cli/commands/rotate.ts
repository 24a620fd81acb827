import type { Administration, RotatePreview, RotateReport, RotateRequest } from '@datapunk/authority'
import { withAdministration } from '../administration.ts'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import type { Context } from '../context.ts'
import type { RotationDocument, RotationPreviewDocument } from '../documents/rotate.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import { countText } from '../text/action-text.ts'
import { eventText } from '../text/event-text.ts'
import { askDocument, askText } from '../text/root-key-text.ts'
import { timeText } from '../text/time-text.ts'
import { waitDocument, waitText } from '../text/wait-text.ts'

interface RotateOptions {
  readonly back?: boolean
  readonly resume?: boolean
  readonly all?: boolean
  readonly issuingCa?: boolean
  readonly rootCa?: boolean
  readonly bundleKey?: boolean
  readonly log?: boolean
  readonly without?: readonly string[]
  readonly plan?: boolean
}

export const rotateCommand: CommandSpec<RotateOptions> = {
  name: 'rotate',
  arguments: '[service]',
  completes: 'services',
  summary: 'replace certificates or keys before they are due',
  description:
    'Replaces the pair of a service, of all of them (--all), the issuing CA, the root, the bundle key or the log. A CA rolls over by stages: made known, acknowledged by every live peer, in use, retired when nothing needs it. It stops and names who is late; `mtls up` goes on by itself as soon as they have acknowledged.',
  options: [
    ['--back', 'put the previous pair of the service back, and hold its renewal'],
    ['--resume', 'let its renewal go on by itself again'],
    ['--all', 'every pair whose key lives here'],
    ['--issuing-ca', 'the issuing CA'],
    ['--root-ca', 'the root, and the issuing CA under it'],
    ['--bundle-key', 'the key that signs what is true now'],
    ['--log', 'the transparency log: another begins, and this one is only read from then on'],
    ['--without <instances...>', 'do not wait for these instances, or operators, as in "operator alice"'],
    ['--plan', 'only show what it would touch'],
  ],
  json: () => import('../documents/rotate.ts'),
  examples: ['mtls rotate lake', 'mtls rotate lake --back', 'mtls rotate --root-ca --plan'],
  run: (context, options, service) => rotate(context, requestOf(options, service), options.plan === true),
}

/** Exactly one thing is to be rotated; what it is decides which other options make sense. */
function requestOf(options: RotateOptions, service: string | undefined): RotateRequest {
  const { back, resume, all, issuingCa, rootCa, bundleKey, log, without = [] } = options
  const kinds = [
    ...(issuingCa ? (['issuing-ca'] as const) : []),
    ...(rootCa ? (['root'] as const) : []),
    ...(bundleKey ? (['bundle-key'] as const) : []),
    ...(log ? (['log'] as const) : []),
  ]
  const meant = kinds.length + (all ? 1 : 0) + (service === undefined ? 0 : 1)
  const [kind] = kinds
  if (meant !== 1)
    throw usage(
      'allowed: one of SERVICE, --all, --issuing-ca, --root-ca, --bundle-key, --log',
      meant === 0 ? 'found none of them' : `found ${meant} of them`,
    )
  if (kind !== undefined) {
    if (back || resume) throw usage('allowed with a SERVICE only', 'found --back or --resume')
    return { what: kind, without }
  }
  if (service === undefined) {
    if (back || resume) throw usage('allowed with a SERVICE only', 'found --back or --resume')
    return { what: 'pairs', without }
  }
  if (back && resume) throw usage('allowed: one of them', 'found --back and --resume')
  if ((back || resume) && without.length > 0)
    throw usage('allowed without --back and --resume', 'found --without')
  return back
    ? { what: 'back', service }
    : resume
      ? { what: 'resume', service }
      : { what: 'pairs', service, without }
}

function usage(allowed: string, found: string): CliError {
  return new CliError('USAGE', `${found}; ${allowed}: see \`mtls rotate --help\``)
}

/** Asks, or does it where no authority runs; says what was done, and whom the rest waits for. */
export function rotate(context: Context, request: RotateRequest, previewOnly: boolean): Promise<ExitCode> {
  const { output, json } = context
  const report = (event: Parameters<typeof eventText>[0]) => output.tell(eventText(event, output))
  return withAdministration(context, { purpose: 'rotate', report }, async (administration, _, running) => {
    if (previewOnly) return preview(context, administration, request)
    const answer = await output.during('rotating', administration.rotate(request))
    if (json) output.printJson(documentOf(answer))
    else tell(context, answer, running)
    return answer.failed.length > 0 ? exitCode.bad : exitCode.done
  })
}

function tell(
  { output }: Context,
  { rotated, failed, slots, waits, asks }: RotateReport,
  running: boolean,
): void {
  for (const { instance, serial, notAfter } of rotated)
    output.tell(`${instance}: serial ${serial}, until ${timeText(notAfter)}`)
  for (const { instance, message } of failed)
    output.tell(output.toldStyled('bad', `${instance}: not done: ${message}`))
  for (const { slot, state } of slots) output.tell(`${slot}: ${state}`)
  for (const wait of waits) output.tell(output.toldStyled('warning', waitText(wait)))
  for (const ask of asks) output.tell(output.toldStyled('warning', askText(ask)))
  if (waits.length > 0)
    output.tell(running ? '`mtls up` goes on by itself' : 'run `mtls up`: it goes on from here by itself')
}

function documentOf({ rotated, failed, slots, waits, asks }: RotateReport): RotationDocument {
  return {
    rotated: rotated.map((one) => ({ ...one, notAfter: timeText(one.notAfter) })),
    failed,
    slots,
    waits: waits.map(waitDocument),
    asks: asks.map(askDocument),
  }
}

async function preview(
  { output, json }: Context,
  administration: Administration,
  request: RotateRequest,
): Promise<ExitCode> {
  const touched = await administration.previewRotation(request)
  if (json) output.printJson(touched satisfies RotationPreviewDocument)
  else for (const line of previewLines(touched)) output.print(`${line}\n`)
  return exitCode.done
}

function previewLines({ certificates, peers, connections, absent, elsewhere }: RotatePreview): string[] {
  const names = (instances: readonly string[]) => [...new Set(instances)].sort().join(', ')
  return [
    `${countText(certificates.length, 'certificate')} issued anew${certificates.length > 0 ? `: ${names(certificates.map(({ instance }) => instance))}` : ''}`,
    `${countText(peers.length, 'live peer')} told${peers.length > 0 ? `: ${names(peers.map(({ instance }) => instance))}` : ''}`,
    `${countText(connections, 'open connection')} move over, by the peers’ own reports`,
    ...(absent.length > 0 ? [`not live now, and told when they come: ${names(absent)}`] : []),
    ...(elsewhere.length > 0 ? [`have to ask with a new CSR: ${names(elsewhere)}`] : []),
  ]
}
