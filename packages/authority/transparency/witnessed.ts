import { keyIdOf, type WitnessedCheckpoint } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'

/**
 * Holds what a peer has seen of the log against the log itself: one that shows some peers another tree than others is found
 * out by whoever looks at both. What is found is told; which of the two is at fault is for people to find out.
 */
export async function compareWitnessed(
  { logSeat, report, clock }: Pick<Engine, 'logSeat' | 'report' | 'clock'>,
  { instance, service }: { readonly instance: string; readonly service: string },
  checkpoints: readonly WitnessedCheckpoint[],
): Promise<void> {
  const { log } = logSeat
  const seen = log && checkpoints.find((one) => one.log === keyIdOf(log.spki))
  if (log === undefined || seen === undefined) return
  const { size, root } = seen
  if (await log.holds({ size, root: Buffer.from(root, 'base64') })) return
  const message = `${instance} has seen a tree of ${size} entries of ${log.origin} that the log itself does not have`
  report({ kind: 'log-alarm', subject: service, at: clock(), detail: { instance, size, root, message } })
}
