import { LONGEST_SUSPENSION } from '@datapunk/authority'
import { readMeshDocuments } from '@datapunk/mesh'
import { type Bundle, formatDocumentNumber, type Pins, spellingHint } from '@datapunk/protocol'
import { withAdministration } from '../administration.ts'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import { type Context, loadConfig } from '../context.ts'
import type { PinsDocument, SuspensionDocument } from '../documents/pins.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import { enforcementLines } from '../revocation.ts'
import { eventText } from '../text/event-text.ts'
import { durationOf, spanText, timeOrNull, timeText } from '../text/time-text.ts'

interface PinsOptions {
  readonly format?: string
  readonly suspend?: string
  readonly resume?: boolean
}

const FORMATS = ['text', 'curl', 'json'] as const

/** How long live peers are waited for, milliseconds. */
const WAIT = 10_000

export const pinsCommand: CommandSpec<PinsOptions> = {
  name: 'pins',
  arguments: '[services...]',
  completes: 'services',
  summary: 'the keys that services may show, for clients that are no peers; break-glass',
  description:
    'Shows the pins (base64 of the SHA-256 of the public key, RFC 7469) that the mesh bundle names: of each service the key in use, its next one, which is made known a rotation ahead, and those of certificates that have not ended. Peers follow them by themselves; whoever else pins has to fetch them once in a rotation. --suspend is break-glass: peers report what they would refuse, until then, whatever the config says; it is audited, and `mtls status` shows it.',
  options: [
    ['--format <format>', 'text; curl (one service: what --pinnedpubkey takes); or json, as --json'],
    ['--suspend <duration>', 'refuse nobody for his key for so long, as in 1h; at most 30d'],
    ['--resume', 'end that before its time'],
  ],
  json: () => import('../documents/pins.ts'),
  examples: [
    'mtls pins lake',
    'curl --pinnedpubkey "$(mtls pins lake --format curl)" https://lake.service.datapunk:8445/',
    'mtls pins --suspend 1h',
  ],
  run(context, { format = 'text', suspend, resume = false }, ...services) {
    if (suspend === undefined && !resume) return show(context, formatOf(format), services)
    if (suspend !== undefined && resume)
      throw usage('found --suspend and --resume; allowed: one of them at a time')
    if (services.length > 0) throw usage('found a SERVICE; allowed: all of the mesh, or nobody')
    return suspendPins(context, suspend === undefined ? undefined : spanOf(suspend))
  },
}

function formatOf(text: string): (typeof FORMATS)[number] {
  const format = FORMATS.find((one) => one === text)
  if (format !== undefined) return format
  throw usage(
    `found --format ${JSON.stringify(text)}${spellingHint(text, FORMATS)}; allowed: ${FORMATS.join(', ')}`,
  )
}

function spanOf(text: string): number {
  const span = durationOf('--suspend', text)
  if (span > 0 && span <= LONGEST_SUSPENSION) return span
  throw usage(
    `found --suspend ${text}; allowed: up to ${spanText(LONGEST_SUSPENSION)}. For longer, set pinning: report in the config file`,
  )
}

function usage(message: string): CliError {
  return new CliError('USAGE', `${message}: see \`mtls pins --help\``)
}

function show(context: Context, format: (typeof FORMATS)[number], services: readonly string[]): ExitCode {
  const { output, world } = context
  const config = loadConfig(context)
  const { bundle } = readMeshDocuments(config, { latest: world.clock() + config.authority.clockSkew })
  const pins = chosen(bundle, services)
  if (context.json || format === 'json') output.printJson(documentOf(bundle, pins))
  else if (format === 'curl') output.print(`${curlText(pins)}\n`)
  else output.print(pinsText(bundle, pins, context))
  return exitCode.done
}

/** @throws CliError `NOTHING_TO_SHOW` */
function chosen({ pins }: Bundle, services: readonly string[]): Pins {
  if (pins === undefined)
    throw new CliError(
      'NOTHING_TO_SHOW',
      'found a bundle without pins; allowed: one with, which `mtls apply` publishes unless the config says pinning: off',
    )
  if (services.length === 0) return pins
  const unknown = services.find((service) => !pins.of.has(service))
  if (unknown === undefined)
    return { mode: pins.mode, of: new Map(services.map((service) => [service, pins.of.get(service)!])) }
  const hint = spellingHint(unknown, pins.of.keys())
  throw new CliError('NOTHING_TO_SHOW', `found no pin of ${unknown}${hint}; allowed: members with a key`)
}

/** `sha256//BASE64;sha256//BASE64`, as curl(1) has it: one of them has to be the server's. */
function curlText({ of }: Pins): string {
  const [pins, ...others] = of.values()
  if (pins === undefined || others.length > 0)
    throw usage(
      `found ${of.size} services; allowed with --format curl: one, because the pins of several would let each pass for the other`,
    )
  return [...pins].map((pin) => `sha256//${pin}`).join(';')
}

function pinsText({ head }: Bundle, { mode, of }: Pins, { output }: Context): string {
  const first = output.styled('quiet', `bundle ${formatDocumentNumber(head.number)}, ${mode}`)
  const rows = [...of].flatMap(([service, pins]) =>
    [...pins].map((pin, index) => [index === 0 ? output.styled('strong', service) : '', `sha256/${pin}`]),
  )
  return `${first}\n${output.table(rows)}`
}

function documentOf({ head }: Bundle, { mode, of }: Pins): PinsDocument {
  const pins = Object.fromEntries([...of].map(([service, own]) => [service, [...own]]))
  return { bundle: formatDocumentNumber(head.number), mode, pins }
}

/** @param span milliseconds; undefined ends it */
function suspendPins(context: Context, span: number | undefined): Promise<ExitCode> {
  const { output, json } = context
  const report = (event: Parameters<typeof eventText>[0]) => output.tell(eventText(event, output))
  return withAdministration(context, { purpose: 'pins', report }, async (administration) => {
    const { until, bundle } = await administration.suspendPins(span)
    const asked = administration.enforcement({ bundle, wait: WAIT })
    const enforcement = await output.during('waiting for peers', asked)
    const { enforced, late } = enforcement
    if (json)
      output.printJson({
        suspendedUntil: timeOrNull(until),
        bundle: formatDocumentNumber(bundle),
        enforced: enforced.map((one) => ({ ...one, at: timeText(one.at) })),
        late,
      } satisfies SuspensionDocument)
    else {
      const what =
        until === undefined
          ? 'keys that are not pinned are dealt with as the config says'
          : `keys that are not pinned are reported, and let in, until ${timeText(until)}; \`mtls pins --resume\` ends that`
      output.tell(`${what}: in bundle ${formatDocumentNumber(bundle)}`)
      for (const line of enforcementLines(enforcement, context.world.clock())) output.tell(line)
      if (late.length > 0) output.tell(output.toldStyled('bad', `late, and live: ${late.join(', ')}`))
    }
    return late.length === 0 ? exitCode.done : exitCode.bad
  })
}
