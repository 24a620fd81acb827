import type { SlotKind } from '@datapunk/authority'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import type { Context } from '../context.ts'
import { previewRevocation, revoke } from '../revocation.ts'
import { durationOf } from '../text/time-text.ts'
import { rotate } from './rotate.ts'

interface CompromiseOptions {
  readonly reissue?: boolean
  readonly wait?: string
  readonly issuingCa?: boolean
  readonly rootCa?: boolean
  readonly bundleKey?: boolean
  readonly log?: boolean
  readonly yes?: boolean
  readonly plan?: boolean
}

/** What goes wrong for a while, because nobody is waited for. */
const BREAKS: Readonly<Record<SlotKind, string>> = {
  'issuing-ca':
    'connections under the old certificates are cut at once; a service that reads files is refused until it was told, and a key that lives elsewhere until it has a new certificate',
  root: 'as with the issuing CA; and whoever knows only the old root (clients of other meshes, copies of ca_cert) is refused until it has the new one',
  log: 'nothing that is open; every certificate is issued anew, and until then those of the old log are refused; a key that lives elsewhere has to ask for its own',
  'bundle-key':
    'nothing that is open; a peer that is not live believes bundles of the stolen key until it hears, or until the last of them has ended',
}

export const compromiseCommand: CommandSpec<CompromiseOptions> = {
  name: 'compromise',
  arguments: '[service]',
  completes: 'services',
  summary: 'a key is in other hands: replace it now, waiting for nobody',
  description:
    'Of a service: every certificate it has is revoked, the keys made for its next ones are thrown away, since they lie beside the stolen ones, and it gets no other until `mtls issue`, or new ones at once with --reissue. Of a CA or the bundle key, the emergency path: new keys are made, the stolen one is out of the trust statement at once, every certificate that stood on it is issued anew, and whoever is live is told; nobody is waited for. It says first what breaks, and asks.',
  options: [
    ['--issuing-ca', 'the key of the issuing CA'],
    ['--root-ca', 'the key of the root, and with it the issuing CA'],
    ['--bundle-key', 'the key that signs what is true now'],
    ['--log', 'the key of the transparency log: another log begins'],
    ['--reissue', 'of a service: give it new pairs at once'],
    ['--wait <duration>', 'of a service: how long live peers are waited for; 10s unless given'],
    ['--yes', 'do it without asking'],
    ['--plan', 'only show what it would touch'],
  ],
  json: () => import('../documents/compromise.ts'),
  examples: [
    'mtls compromise lake --reissue',
    'mtls compromise --issuing-ca --plan',
    'mtls compromise --root-ca --yes',
  ],
  async run(context, options, service) {
    if (service !== undefined) return compromiseService(context, options, service)
    const kind = kindOf(options)
    if (options.reissue || options.wait !== undefined)
      throw new CliError(
        'USAGE',
        'found --reissue or --wait with a key of the mesh; allowed with a SERVICE: a key is replaced, and certificates are issued anew, in any case, and nobody is waited for',
      )
    const request = { what: 'compromised', kind } as const
    if (options.plan) return rotate(context, request, true)
    if (!options.yes && !(await isMeant(context, kind))) {
      throw new CliError(
        'APPROVAL_MISSING',
        'nothing was done, because nobody said yes; allowed: an answer at a terminal, or `mtls compromise … --yes`',
      )
    }
    return rotate(context, request, false)
  },
}

function compromiseService(context: Context, options: CompromiseOptions, service: string) {
  const { issuingCa, rootCa, bundleKey, log, reissue = false, wait = '10s', yes = false, plan } = options
  if (issuingCa || rootCa || bundleKey || log)
    throw new CliError('USAGE', 'found a SERVICE and a key of the mesh; allowed: one of them at a time')
  const request = { targets: [{ service }], reason: 'key-compromise', reissue } as const
  if (plan) return previewRevocation(context, request)
  return revoke(context, request, { wait: durationOf('--wait', wait), yes })
}

function kindOf({ issuingCa, rootCa, bundleKey, log }: CompromiseOptions): SlotKind {
  const kinds: SlotKind[] = [
    ...(issuingCa ? (['issuing-ca'] as const) : []),
    ...(rootCa ? (['root'] as const) : []),
    ...(bundleKey ? (['bundle-key'] as const) : []),
    ...(log ? (['log'] as const) : []),
  ]
  const [kind] = kinds
  if (kind !== undefined && kinds.length === 1) return kind
  throw new CliError(
    'USAGE',
    `found ${kinds.length} keys; allowed: a SERVICE, or one of --issuing-ca, --root-ca, --bundle-key, --log: see \`mtls compromise --help\``,
  )
}

async function isMeant({ output, world }: Context, kind: SlotKind): Promise<boolean> {
  output.tell(output.toldStyled('warning', `what breaks: ${BREAKS[kind]}`))
  if (!world.stdin.isTTY || !world.stderr.isTTY) return false
  const answer = await output.ask(`Is the key of the ${kind.replaceAll('-', ' ')} in other hands? [y/N] `)
  return /^y(es)?$/i.test(answer.trim())
}
