import type { BackupMade, BackupRequest } from '../administration.ts'
import { givenPassphrase } from '../backup/backup-passphrase.ts'
import { BackupPlace } from '../backup/backup-place.ts'
import { Disk } from '../disk/disk.ts'
import { type AskedSocket, askSocket, unreachable } from './ask-socket.ts'
import { BACKUP, type BackupCall, parseGivenBackup } from './give-backup.ts'

/**
 * A backup of the authority that serves this socket, put where this process sees that place: the authority may see another disk there,
 * as in the sandbox of a unit.
 *
 * @throws AuthorityError what it is refused for; `BACKUP_REFUSED`, `DISK_FAILED`, `ADMIN_SILENT` where it ends before the backup does
 */
export async function askBackup(
  asked: AskedSocket,
  { file, passphraseFile }: BackupRequest,
): Promise<BackupMade> {
  const disk = new Disk()
  const place = new BackupPlace(file, disk)
  const passphrase = givenPassphrase(disk, passphraseFile)
  const call: BackupCall =
    passphrase === undefined ? {} : { passphrase: Buffer.from(passphrase.bytes()).toString('base64') }
  const answer = await askSocket(asked, 'backup', call)
  try {
    const given = parseGivenBackup(answer.headers[BACKUP])
    return await place.put(given, piecesOf(answer, asked.socket))
  } finally {
    answer.destroy()
  }
}

/** Where they end early, what was written is no backup. */
async function* piecesOf(answer: AsyncIterable<Uint8Array>, socket: string): AsyncGenerator<Uint8Array> {
  try {
    yield* answer
  } catch (cause) {
    throw unreachable(socket, cause)
  }
}
