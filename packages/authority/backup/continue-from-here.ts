import type { Engine } from '../engine/engine.ts'
import { haltEvidence } from '../engine/halt.ts'
import { AuthorityError } from '../error.ts'
import type { NextGeneration } from '../events/next-generation.ts'
import { generationIn } from '../peers/ahead.ts'
import { checkWhole } from '../state/check-state.ts'
import { isGenerationNear, publishedAhead } from '../state/published-ahead.ts'
import { beginGeneration } from './begin-generation.ts'
import { revokedAhead } from './revoked-ahead.ts'

/**
 * Lifts the halt of an inventory that turned out not to be the newest of its mesh, or never lets it come to that: it goes on as
 * a restored one does. The `apply` that follows publishes what is new.
 *
 * @throws AuthorityError `RESTORE_REFUSED`, and as `checkWhole`
 */
export async function continueFromHere(engine: Engine): Promise<NextGeneration> {
  const { store, clock, report, halting } = engine
  const mesh = store.mesh()
  if (mesh === undefined || store.bundle() === undefined) {
    throw new AuthorityError(
      'RESTORE_REFUSED',
      'found no mesh to go on with; allowed: `mtls restore FILE`, or `mtls apply`, which makes one',
    )
  }
  const ahead = publishedAhead(engine)
  checkWhole(engine)
  const evidence = haltEvidence(engine)
  const { generation: from } = mesh
  const shown = evidence === undefined ? 0 : generationIn(evidence)
  const seen = isGenerationNear(shown, from) ? Math.max(from, shown) : from
  const entry = { from, ...(evidence && { evidence }) }
  const revoked = await revokedAhead(engine, ahead)
  const next = await beginGeneration(engine, { ahead, revoked, seen, backedUpAt: undefined, entry })
  halting.lift()
  report({ kind: 'restored', subject: 'mesh', at: clock(), detail: { ...next } })
  return next
}
