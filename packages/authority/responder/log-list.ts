import { logFolderId } from '@datapunk/protocol'
import { EMPTY_ROOT, openCheckpoint } from '@datapunk/tlog'
import type { SlotRow } from '../store/rows.ts'

/** A log on record, and its newest checkpoint where it has one. */
export interface ListedLog {
  readonly slot: SlotRow
  readonly checkpoint: Uint8Array | undefined
  /** Its files lie here, for us to show; else it shows itself. */
  readonly isHere: boolean
}

/** Seconds within which an entry is in the tree. It always is; no list may say less. */
const MAX_MERGE_DELAY = 1

/**
 * The mesh's logs as a log list of version 3, which the tools of Certificate Transparency read. It is not signed: whoever has
 * to be sure takes the keys from the trust statement.
 *
 * @see https://www.gstatic.com/ct/log_list/v3/log_list_schema.json
 */
export function logListOf(
  logs: readonly ListedLog[],
  { name, publicUrl }: { readonly name: string; readonly publicUrl: string | undefined },
) {
  const newest = Math.max(0, ...logs.map(({ slot }) => slot.since))
  return {
    version: '3',
    log_list_timestamp: timeText(newest),
    operators: [{ name, email: [], logs: [], tiled_logs: logs.map((log) => entryOf(log, publicUrl)) }],
  }
}

function entryOf(log: ListedLog, publicUrl: string | undefined) {
  const { id, spki, spkiHash, origin } = log.slot
  const submission = `http://${origin}/`
  return {
    description: id,
    log_id: Buffer.from(spkiHash, 'hex').toString('base64'),
    key: Buffer.from(spki).toString('base64'),
    mmd: MAX_MERGE_DELAY,
    submission_url: submission,
    monitoring_url:
      publicUrl === undefined || !log.isHere
        ? submission
        : `${publicUrl}/log/${logFolderId(log.slot.spkiHash)}/`,
    state: stateOf(log),
  }
}

/** In the list's words. A compromised log's SCTs count for nothing, whenever they were given. */
function stateOf({ slot, checkpoint, isHere }: ListedLog) {
  const since = { timestamp: timeText(slot.since) }
  if (slot.state === 'prepared') return { pending: since }
  if (slot.state === 'active') return { usable: since }
  if (slot.state === 'compromised') return { rejected: since }
  // A log that runs elsewhere knows its last checkpoint itself; what it has promised until then counts either way.
  if (slot.state === 'retired' || !isHere) return { retired: since }
  return { readonly: { ...since, final_tree_head: finalTreeHead(slot, checkpoint) } }
}

function finalTreeHead({ spki, origin = '' }: SlotRow, checkpoint: Uint8Array | undefined) {
  const { size, root } =
    checkpoint === undefined ? { size: 0, root: EMPTY_ROOT } : openCheckpoint(checkpoint, { spki, origin })
  return { sha256_root_hash: Buffer.from(root).toString('base64'), tree_size: size }
}

function timeText(time: number): string {
  return new Date(time).toISOString()
}
