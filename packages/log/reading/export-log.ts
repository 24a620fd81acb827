import type { SignedCheckpoint } from '@datapunk/tlog'
import { CHECKPOINT_PATH } from '@datapunk/tlog'
import { DiskStore } from '../disk-store.ts'
import { LogError } from '../log-error.ts'
import { copyNotWritten } from '../log-failure.ts'
import type { LogIdentity, ReadObject } from './read-log.ts'
import { verifyLog } from './verify-log.ts'

/**
 * Writes all that a log shows, as of its newest checkpoint, into a folder, while it is verified; the checkpoint comes last, so that
 * a folder with one is whole.
 *
 * @param folder absolute; made when there is none
 * @returns undefined, and nothing is written, when the log is empty
 * @throws LogError `FOLDER_TAKEN`, `LOG_WRITE_FAILED`, and what `verifyLog` throws
 */
export async function exportLog(
  read: ReadObject,
  log: LogIdentity,
  folder: string,
): Promise<SignedCheckpoint | undefined> {
  const store = new DiskStore(folder)
  const onDisk = <Result>(work: Promise<Result>) =>
    work.catch((cause) => {
      throw copyNotWritten(cause, folder)
    })
  if ((await onDisk(store.list('.'))).length > 0)
    throw new LogError('FOLDER_TAKEN', `found something in ${folder}; allowed: an empty folder, or none`)
  let signed: Uint8Array | undefined
  const keep: ReadObject = async (path) => {
    const octets = await read(path)
    if (path === CHECKPOINT_PATH) signed = octets
    else if (octets !== undefined) await onDisk(store.write(new Map([[path, octets]])))
    return octets
  }
  const checkpoint = await verifyLog(keep, log)
  if (signed !== undefined) await onDisk(store.write(new Map([[CHECKPOINT_PATH, signed]])))
  return checkpoint
}
