import { keyIdOf, type TrustedLog } from '@datapunk/protocol'
import { recall } from './log-witness.ts'
import type { LoggedCertificates } from './logged-certificates.ts'
import type { WitnessMemory } from './witness-memory.ts'

/** A log that contradicted itself before this process began is believed no further from its first handshake on. */
export async function recallEnds(
  logs: readonly TrustedLog[],
  logged: LoggedCertificates,
  memory: WitnessMemory,
): Promise<void> {
  for (const log of logs) {
    const { contradiction } = await recall(log, memory)
    if (contradiction !== undefined) logged.endsAt(keyIdOf(log.spki), contradiction.before.size)
  }
}
