import type { Engine } from '../engine.ts'
import { announceKeys } from '../pinning/announce-keys.ts'
import { servedCertificates } from '../pinning/serving.ts'
import type { ServiceRow } from '../store/rows.ts'
import { type IssuedChain, issuePair, withIssuer } from './issue-pair.ts'

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
