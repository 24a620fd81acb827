import { resolve } from 'node:path'
import { type NextGeneration, restoreBackup, type Status } from '@datapunk/authority'
import { withAdministration } from '../administration.ts'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import { type Context, loadConfig } from '../context.ts'
import type { ContinueDocument, RestoreDocument } from '../documents/restore.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import { timeText } from '../text/time-text.ts'

interface RestoreOptions {
  readonly continue?: boolean
  readonly replace?: boolean
  readonly yes?: boolean
  readonly passphraseFile?: string
}

export const restoreCommand: CommandSpec<RestoreOptions> = {
  name: 'restore',
  arguments: '[file]',
  summary: 'an authority from its backup, or on from a state folder that is not the newest',
  description:
    'Makes an authority from a backup, in a state folder that has none; with --replace the one that is there is moved aside, never removed. With --continue it goes on from the state folder as it is, where a newer one is lost; where nothing shows that, it asks. Either way the generation of its numbers rises and a new bundle key signs, so that nothing is used twice and nothing that was signed since is believed. Then `mtls apply` publishes it, and peers take it over. Stop the old authority first, wherever it runs.',
  options: [
    ['--continue', 'go on from the state folder as it stands, instead of a file'],
    ['--replace', 'move the authority that is there aside'],
    ['--yes', 'with --continue: do not ask, where nothing shows that a newer one is lost'],
    ['--passphrase-file <file>', 'the passphrase of the backup, where it was made with one of its own'],
  ],
  json: () => import('../documents/restore.ts'),
  examples: ['mtls restore /mnt/safe/mesh.backup && mtls apply', 'mtls restore --continue && mtls apply'],
  run(context, options, file) {
    const { replace = false, passphraseFile, yes = false } = options
    const isContinued = options.continue === true
    const isMixed = isContinued ? replace || passphraseFile !== undefined : yes
    if ((file !== undefined) === isContinued || isMixed) {
      throw new CliError(
        'USAGE',
        `found ${isContinued ? '--continue and more' : file === undefined ? 'no backup' : '--yes without --continue'}; allowed: \`mtls restore FILE\`, with --replace and --passphrase-file where needed, or \`mtls restore --continue\` alone, or with --yes`,
      )
    }
    return file === undefined ? goOn(context, yes) : restore(context, { file, replace, passphraseFile })
  },
}

async function restore(
  context: Context,
  request: { file: string; replace: boolean; passphraseFile: string | undefined },
): Promise<ExitCode> {
  const { output, json, world } = context
  const { clock, randomBytes, environment, pid } = world
  const { file, replace, passphraseFile } = request
  const restoring = restoreBackup({
    ...{ config: loadConfig(context), clock, randomBytes, environment, pid, replace },
    file: resolve(file),
    passphraseFile: passphraseFile === undefined ? undefined : resolve(passphraseFile),
  })
  const restored = await output.during('restoring', restoring)
  const { trustDomain, madeAt, movedTo } = restored
  const document: RestoreDocument = { ...restored, madeAt: timeText(madeAt), movedTo: movedTo ?? null }
  if (json) output.printJson(document)
  output.tell(`restored ${trustDomain} as of ${timeText(madeAt)}`)
  if (movedTo !== undefined) output.tell(`what was there lies in ${movedTo}`)
  return tellNext(context, restored)
}

function goOn(context: Context, yes: boolean): Promise<ExitCode> {
  return withAdministration(context, { purpose: 'restore' }, async (administration) => {
    if (!yes && !(await isMeant(context, await administration.status()))) {
      throw new CliError(
        'APPROVAL_MISSING',
        'nothing was changed, because nobody said yes; allowed: an answer at a terminal, or the same with --yes',
      )
    }
    const next = await administration.continueFromHere()
    if (context.json) context.output.printJson(next satisfies ContinueDocument)
    return tellNext(context, next)
  })
}

/** A healthy mesh needs no new generation: somebody may have meant another folder. */
async function isMeant({ output, world }: Context, { outdated, meshId }: Status): Promise<boolean> {
  if (outdated || meshId === undefined) return true
  const goes =
    'nothing here is halted, and nothing newer is published. To go on all the same begins another generation of numbers, with a new bundle key and a new log, and pinning only reports until every peer has the new pins'
  output.tell(output.toldStyled('warning', goes))
  if (!world.stdin.isTTY || !world.stderr.isTTY) return false
  return /^y(es)?$/i.test((await output.ask('Go on? [y/N] ')).trim())
}

function tellNext(
  { output }: Context,
  { generation, bundleKey, rootKeys, barred }: NextGeneration,
): ExitCode {
  output.tell(
    `generation ${generation} begins, and ${bundleKey} signs from now on: \`mtls apply\` publishes it`,
  )
  for (const service of barred) {
    const bar = `${service} was revoked since, and gets no certificate until \`mtls issue ${service}\` lets it in again`
    output.tell(output.toldStyled('warning', bar))
  }
  for (const { slot, path } of rootKeys) {
    const need = `the key of ${slot} is away, and has to sign that first: put it at ${path} before the bundle ends. Until then the mesh goes on as it is, and nothing changes`
    output.tell(output.toldStyled('warning', need))
  }
  return exitCode.done
}
