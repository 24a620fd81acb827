import { resolve } from 'node:path'
import { layoutOf } from '@datapunk/protocol'
import { withAdministration } from '../administration.ts'
import type { CommandSpec } from '../command-spec.ts'
import type { BackupDocument } from '../documents/backup.ts'
import { exitCode } from '../exit-code.ts'
import { timeText } from '../text/time-text.ts'

export const backupCommand: CommandSpec<{ passphraseFile?: string }> = {
  name: 'backup',
  arguments: '<file>',
  summary: 'the authority in one encrypted file',
  description:
    'Puts the inventory and the CA and bundle keys into one file (0600), as they are at one moment, also while `mtls up` works, whose bytes this command writes. It is encrypted with the passphrase of the CA keys, which is not in it, or with another one. An earlier backup of this mesh in that place is replaced once the new one is whole. The keys of services are not in it: they are made anew. Nor is that of a root that is away (authority.root.offline).',
  options: [['--passphrase-file <file>', 'encrypt it with the passphrase in this file (0600) instead']],
  json: () => import('../documents/backup.ts'),
  examples: [
    'mtls backup /mnt/safe/mesh.backup',
    'mtls backup mesh.backup --passphrase-file backup-passphrase',
  ],
  run(context, { passphraseFile }, file = '') {
    const { output, json } = context
    const request = {
      file: resolve(file),
      passphraseFile: passphraseFile === undefined ? undefined : resolve(passphraseFile),
    }
    return withAdministration(context, { purpose: 'backup' }, async (administration, config) => {
      const made = await output.during('backing up', administration.backup(request))
      const { trustDomain, madeAt, size, withoutKeys, passphraseInState } = made
      if (json) output.printJson({ ...made, madeAt: timeText(madeAt) } satisfies BackupDocument)
      output.tell(`backup of ${trustDomain} as of ${timeText(madeAt)}: ${file}, ${sizeText(size)}`)
      if (withoutKeys.length > 0) {
        const warning = `not in it: the key of ${withoutKeys.join(' and ')}, which is away. Keep more than one copy of that`
        output.tell(output.toldStyled('warning', warning))
      }
      if (passphraseInState) {
        const place = config.authority.passphraseFile ?? layoutOf(config).authority.passphrase
        const warning = `it opens only with the passphrase in ${place}, which is not in it: keep a copy of that elsewhere`
        output.tell(output.toldStyled('warning', warning))
      }
      return exitCode.done
    })
  },
}

function sizeText(bytes: number): string {
  return bytes < 10_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${Math.ceil(bytes / 1_000_000)} MB`
}
