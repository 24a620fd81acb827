import type { Signer } from '@datapunk/pki'
import { formatDocumentNumber } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { isGone } from '../engine/slots.ts'
import type { SlotRow } from '../store/rows.ts'
import { publishTrustStatement, rootsToSign } from '../trust/trust.ts'
import { publish } from './publish.ts'

/** Step 2 of story 5. Signed by every root that peers trust now, and by every one they will; then a bundle that names it. */
export async function announceTrust(engine: Engine): Promise<void> {
  const { store, clock, actor, report } = engine
  const number = await withSigners(engine, rootsToSign(store), (signers) =>
    publishTrustStatement(store, signers, clock(), actor),
  )
  const detail = { number: formatDocumentNumber(number) }
  report({ kind: 'trust-statement-published', subject: 'mesh', at: clock(), detail })
  if (store.bundle() !== undefined) await publish(engine)
  // What is in no statement any more signs nothing, not even the statement that leaves it out.
  for (const slot of store.slots()) if (isGone(slot)) engine.keys.discard(slot)
}

async function withSigners<Result>(
  { keys }: Pick<Engine, 'keys'>,
  slots: readonly SlotRow[],
  use: (signers: readonly Signer[]) => Promise<Result>,
  opened: readonly Signer[] = [],
): Promise<Result> {
  const [slot, ...others] = slots
  if (slot === undefined) return use(opened)
  return keys.withSigner(slot, (signer) => withSigners({ keys }, others, use, [...opened, signer]))
}
