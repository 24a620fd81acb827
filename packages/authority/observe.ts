import { parseCertificate } from '@datapunk/pki'
import { PairFolder } from './disk/pair.ts'
import type { Engine } from './engine.ts'
import { issuedConstraints } from './found.ts'
import type { Inventory, InventoryInstance, InventoryService } from './inventory.ts'
import { isBundleCurrent, isPublishedOnDisk, isTrustStatementCurrent } from './publish.ts'
import { decodeRequest, decodeSettings } from './settings.ts'
import type { Reader } from './store/contract.ts'

/**
 * Takes the inventory: the store's rows, and what lies on disk.
 *
 * @param pairs as `pairsOnDisk` saw them a moment ago, where nobody but the caller may have changed them since: reading
 *   them is most of the work
 */
export function takeInventory(
  engine: Pick<Engine, 'store' | 'disk' | 'layout' | 'config' | 'clock'>,
  pairs: ReadonlyMap<string, string> = pairsOnDisk(engine),
): Inventory {
  const { store } = engine
  const issuing = store.slots().find((slot) => slot.kind === 'issuing-ca' && slot.state === 'active')
  return {
    mesh: store.mesh(),
    slots: store.slots(),
    issuingConstraints: issuing && issuedConstraints(engine, issuing),
    trustStatementCurrent: isTrustStatementCurrent(store),
    services: servicesOf(store, pairs),
    published: isBundleCurrent(store, engine.clock()) && isPublishedOnDisk(engine),
    bundleIssuedAt: store.bundle()?.issuedAt,
  }
}

function servicesOf(reader: Reader, pairs: ReadonlyMap<string, string>): Map<string, InventoryService> {
  const newest = new Map(reader.currentCertificates().map((row) => [row.instance, row]))
  const instances = Map.groupBy(
    reader.instances().map((row): InventoryInstance => {
      const current = newest.get(row.id)
      return { row, current, request: current && decodeRequest(current.request), pair: pairs.get(row.id) }
    }),
    ({ row }) => row.service,
  )
  return new Map(
    reader.services().map((row) => {
      const settings = decodeSettings(row.settings)
      return [row.service, { row, settings, instances: instances.get(row.service) ?? [] }]
    }),
  )
}

/** The serials of the pairs that are whole; a pair that can't be read counts as missing, and is made anew. */
export function pairsOnDisk({
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
