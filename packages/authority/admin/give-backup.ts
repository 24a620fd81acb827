import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { z } from 'zod'
import type { GivenBackup } from '../administration.ts'
import type { Authority } from '../authority.ts'
import { Passphrase } from '../keys/passphrase.ts'
import type { backupCall } from './admin-requests.ts'

/** The header that says what the bytes show. */
export const BACKUP = 'mtls-backup'

export type BackupCall = z.infer<typeof backupCall>

/** The next backup waits for this one: whoever reads nothing for so long is cut off. Milliseconds. */
const UNREAD_FOR = 120_000

/** Sends a backup as it is made, to whoever puts it where it is to lie. */
export function giveBackup(
  authority: Pick<Authority, 'giveBackup'>,
  response: ServerResponse,
  { passphrase }: BackupCall,
  unreadFor = UNREAD_FOR,
): Promise<void> {
  const given = passphrase === undefined ? undefined : new Passphrase(Buffer.from(passphrase, 'base64'))
  return authority.giveBackup(given, async (contents, bytes) => {
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      [BACKUP]: JSON.stringify(contents),
    })
    response.setTimeout(unreadFor)
    await pipeline(bytes, response)
  })
}

/** Says it as the authority of the same version does, which is no stranger. */
export function parseGivenBackup(header: string | string[] | undefined): GivenBackup {
  return JSON.parse(String(header)) as GivenBackup
}
