import { keyIdOf, logFolderId, type TrustedLog } from '@datapunk/protocol'
import { openCheckpoint, type SignedCheckpoint, TlogError } from '@datapunk/tlog'
import type { LoggedCertificates } from '../gate/logged-certificates.ts'
import type { WitnessMemory } from './witness-memory.ts'

/** A checkpoint with its octets, as the log has signed it. */
export interface SeenCheckpoint extends SignedCheckpoint {
  readonly signed: Uint8Array
}

/** Two checkpoints that one log has signed, and that can't both be true. */
export interface Contradiction {
  readonly before: SeenCheckpoint
  readonly after: SeenCheckpoint
}

interface Recalled {
  readonly last: SeenCheckpoint | undefined
  readonly contradiction: Contradiction | undefined
  readonly entriesRead: number | undefined
}

/** What was seen of a log before this process began. What was kept and is not the log's counts for nothing. */
export async function recall(log: TrustedLog, memory: WitnessMemory): Promise<Recalled> {
  const kept = await memory.read(logFolderId(keyIdOf(log.spki)))
  const [before, after] = [kept.last, kept.contradicting].map((signed) => openedOrNone(signed, log))
  const contradiction = before && after && { before, after }
  return { last: before, contradiction, entriesRead: kept.entriesRead }
}

function openedOrNone(signed: Uint8Array | undefined, log: TrustedLog): SeenCheckpoint | undefined {
  try {
    return signed && opened(signed, log)
  } catch (error) {
    if (error instanceof TlogError) return undefined
    throw error
  }
}

export function opened(signed: Uint8Array, log: TrustedLog): SeenCheckpoint {
  return { ...openCheckpoint(signed, log), signed }
}

/** The word of a log that contradicted itself before this process began counts for nothing from the first handshake on. */
export async function recallContradictions(
  logs: readonly TrustedLog[],
  logged: LoggedCertificates,
  memory: WitnessMemory,
): Promise<void> {
  for (const log of logs) {
    const { contradiction } = await recall(log, memory)
    if (contradiction !== undefined) logged.distrust(keyIdOf(log.spki))
  }
}
