import { parseCertificate } from '@datapunk/pki'
import { PairFolder } from './disk/pair.ts'
import type { Engine } from './engine.ts'
import { issuedConstraints } from './found.ts'
import type { Inventory } from './inventory.ts'
import { isBundleCurrent, isPublishedOnDisk, isTrustStatementCurrent } from './publish.ts'
import type { CertificateRow } from './store/contract.ts'

/**
 * Takes the inventory: the store's rows, and what lies on disk.
 *
 * @param pairs as they were seen a moment ago, where nobody but the caller may have changed them since: reading them is
 *   most of the work
 */
export function takeInventory(
  engine: Pick<Engine, 'store' | 'disk' | 'layout' | 'config' | 'clock'>,
  pairs: Inventory['pairs'] = pairsOnDisk(engine),
): Inventory {
  const { store } = engine
  const current = new Map<string, CertificateRow>()
  for (const row of store.currentCertificates()) {
    if (row.instance !== undefined) current.set(row.instance, row)
  }
  const issuing = store.slots().find((slot) => slot.kind === 'issuing-ca' && slot.state === 'active')
  return {
    mesh: store.mesh(),
    slots: store.slots(),
    issuingConstraints: issuing && issuedConstraints(engine, issuing),
    trustStatementCurrent: isTrustStatementCurrent(store),
    services: new Map(store.services().map((row) => [row.service, row])),
    instances: store.instances(),
    current,
    pairs,
    published: isBundleCurrent(store, engine.clock()) && isPublishedOnDisk(engine),
    bundleIssuedAt: store.bundle()?.issuedAt,
  }
}

/** The serials of the pairs that are whole; a pair that can't be read counts as missing, and is made anew. */
function pairsOnDisk({
  store,
  disk,
  layout,
}: Pick<Engine, 'store' | 'disk' | 'layout'>): Map<string, string> {
  const pairs = new Map<string, string>()
  for (const { id, place } of store.instances()) {
    if (place !== 'here') continue
    try {
      const pair = new PairFolder(layout.instance(id).dir, disk).read()
      if (pair !== undefined) pairs.set(id, parseCertificate(pair.certificate.raw).serial)
    } catch {
      // Why it can't be read is said by whoever uses it; here it is enough that there is none.
    }
  }
  return pairs
}
