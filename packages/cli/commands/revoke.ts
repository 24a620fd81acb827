import { existsSync } from 'node:fs'
import { type RevocationReason, type RevokeTarget, revocationReasons } from '@datapunk/authority'
import { spellingHint } from '@datapunk/protocol'
import { pemBlocks } from '../certificate/pem-blocks.ts'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import { type Context, loadConfig } from '../context.ts'
import { readInput } from '../files.ts'
import { previewRevocation, revoke } from '../revocation.ts'
import { durationOf } from '../text/time-text.ts'

interface RevokeOptions {
  readonly reason?: string
  readonly from?: string
  readonly wait?: string
  readonly plan?: boolean
  readonly yes?: boolean
}

/** A certificate with two hundred names is 20 kB in PEM; a list of ten thousand targets less than this. */
const MAX_FILE_BYTES = 1024 * 1024

export const revokeCommand: CommandSpec<RevokeOptions> = {
  name: 'revoke',
  arguments: '[targets...]',
  completes: 'services',
  summary: 'have nobody accept a certificate, or a service, any more',
  description:
    'A target is a service (it gets no certificate any more until `mtls issue SERVICE`), a serial, or a file with a certificate. Says when it was recorded, when each live peer enforced it, who is late, and who is known only by file. Exits with 1 where a live peer has not within --wait. The serial of an issuing CA takes the emergency path of `mtls compromise --issuing-ca`.',
  options: [
    ['--reason <reason>', `one of ${revocationReasons.join(', ')}`],
    ['--from <file>', 'a file with a target a line; - is stdin'],
    ['--wait <duration>', 'how long live peers are waited for, as in 30s; 10s unless given'],
    ['--yes', 'do not ask, where a service would be left without any certificate'],
    ['--plan', 'only show what it would cut'],
  ],
  json: () => import('../documents/revoke.ts'),
  examples: [
    'mtls revoke lake --reason key-compromise --plan',
    'mtls revoke 15db4c3c3b57b1ec --reason superseded',
    'mtls revoke --from stolen.txt --reason key-compromise --yes',
  ],
  async run(context, { reason = 'unspecified', from, wait = '10s', plan, yes = false }, ...named) {
    const listed = from === undefined ? [] : await linesOf(from, context)
    const targets = await Promise.all([...named, ...listed].map((one) => targetOf(one, context)))
    if (targets.length === 0) {
      throw new CliError(
        'USAGE',
        'found no target; allowed: a service, a serial or a file: see `mtls revoke --help`',
      )
    }
    const request = { targets, reason: reasonOf(reason) }
    if (plan) return previewRevocation(context, request)
    return revoke(context, request, { wait: durationOf('--wait', wait), yes })
  },
}

function reasonOf(text: string): RevocationReason {
  const reason = revocationReasons.find((one) => one === text)
  if (reason !== undefined) return reason
  const hint = spellingHint(text, revocationReasons)
  throw new CliError(
    'USAGE',
    `found the reason ${JSON.stringify(text)}${hint}; allowed: ${revocationReasons.join(', ')}`,
  )
}

async function linesOf(file: string, { world }: Context): Promise<string[]> {
  const text = Buffer.from(await readInput(file, MAX_FILE_BYTES, world.stdin)).toString()
  return text.split('\n').flatMap((line) => {
    const target = line.replace(/#.*/, '').trim()
    return target === '' ? [] : [target]
  })
}

/** A service of the config first: what is named so in the folder is meant by `./NAME`. */
async function targetOf(text: string, context: Context): Promise<RevokeTarget> {
  if (loadConfig(context).services.has(text)) return { service: text }
  if (text.includes('/') || existsSync(text)) return certificateIn(text, context)
  const serial = text.replaceAll(':', '').toLowerCase()
  if (/^[0-9a-f]{16,40}$/.test(serial)) return { serial }
  return { service: text }
}

async function certificateIn(file: string, { world }: Context): Promise<RevokeTarget> {
  const [block] = pemBlocks(await readInput(file, MAX_FILE_BYTES, world.stdin))
  if (block?.der !== undefined && (block.label === 'CERTIFICATE' || block.label === 'DER'))
    return { certificate: Buffer.from(block.der).toString('base64') }
  const found = block === undefined ? 'neither PEM nor DER' : `a ${block.label}`
  throw new CliError('FILE_UNREADABLE', `found ${found} in ${file}; allowed: a certificate, PEM or DER`)
}
