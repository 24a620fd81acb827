import type { Engine } from '../engine/engine.ts'
import { servedCertificates } from '../inventory/serving.ts'
import { type IssuedChain, issuePair, withIssuer } from '../issuing/issue-pair.ts'
import { announceKeys } from '../publishing/announce-keys.ts'
import type { ServiceRow } from '../store/rows.ts'

/**
 * A new pair for a service because somebody asked for one: whatever comes of it, peers know the key before it serves, and the
 * one after that when it does.
 *
 * @throws AuthorityError `PIN_NOT_ACKNOWLEDGED`, and as `issuePair`
 */
export async function issueNow(engine: Engine, service: ServiceRow): Promise<IssuedChain> {
  const instance = service.service
  await announceKeys(engine)
  const serving = servedCertificates(engine).get(instance)
  const issued = await withIssuer(engine, (issuer) =>
    issuePair(engine, { instance, service, serving }, issuer),
  )
  await announceKeys(engine)
  return issued
}
