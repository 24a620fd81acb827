import { resolve } from 'node:path'
import { withAuthority } from '../administration.ts'
import type { CommandSpec } from '../command-spec.ts'
import { loadConfig } from '../context.ts'
import type { PassphraseDocument } from '../documents/passphrase.ts'
import { exitCode } from '../exit-code.ts'
import { countText } from '../text/action-text.ts'

export const passphraseCommand: CommandSpec = {
  name: 'passphrase',
  arguments: '<file>',
  summary: 'seals the CA keys with another passphrase',
  description:
    'Encrypts every CA and bundle key with the passphrase in this file (0600). The one that opens them now is given as always; should this be interrupted, run it again with both. `mtls up` has to rest meanwhile, and services go on. Afterwards give the new one: authority.passphrase_file, a systemd credential, or $MTLS_CA_PASSPHRASE. One that lay beside the keys opens nothing any more, and is removed. Backups from before open with the old one.',
  json: () => import('../documents/passphrase.ts'),
  examples: ['mtls passphrase /run/secrets/new-passphrase'],
  run(context, _, file = '') {
    const { output, json } = context
    return withAuthority(context, loadConfig(context), { purpose: 'passphrase' }, async (authority) => {
      const { sealed, offline } = await output.during('sealing', authority.reseal(resolve(file)))
      if (json) output.printJson({ sealed, offline } satisfies PassphraseDocument)
      else output.tell(sealed.length === 0 ? 'nothing to do' : `${countText(sealed.length, 'key')} sealed`)
      output.tell(
        `from now on give the passphrase in ${file}; \`mtls backup\` makes a backup that opens with it`,
      )
      for (const slot of offline)
        output.tell(`copies of the key of ${slot} elsewhere open with the one before only: make others`)
      return exitCode.done
    })
  },
}
