import { keyIdOf, type TrustedLog } from '@datapunk/protocol'
import { recall } from './log-witness.ts'
import type { LoggedCertificates } from './logged-certificates.ts'
import type { WitnessMemory } from './witness-memory.ts'

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
