import { parseCertificate } from '@datapunk/pki'
import { PairFolder } from './disk/pair.ts'
import type { Engine } from './engine.ts'
import { issuedConstraints } from './found.ts'
import type { Inventory, InventoryInstance, InventoryService } from './inventory.ts'
import { areFilesLinked } from './place.ts'
import { isBundleCurrent, isPublishedOnDisk, isTrustStatementCurrent } from './publish.ts'
import { decodeRequest, decodeSettings, type Settings } from './settings.ts'
import type { InstanceRow } from './store/contract.ts'

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
    services: servicesOf(engine, pairs),
    published: isBundleCurrent(store, engine.clock()) && isPublishedOnDisk(engine),
    bundleIssuedAt: store.bundle()?.issuedAt,
  }
}

function servicesOf(
  engine: Pick<Engine, 'store' | 'disk' | 'layout'>,
  pairs: ReadonlyMap<string, string>,
): Map<string, InventoryService> {
  const { store } = engine
  const newest = new Map(store.currentCertificates().map((row) => [row.instance, row]))
  const instances = Map.groupBy(store.instances(), (row) => row.service)
  const observed = (row: InstanceRow, settings: Settings): InventoryInstance => {
    const current = newest.get(row.id)
    const request = current && decodeRequest(current.request)
    const linked = row.place !== 'here' || areFilesLinked(engine, settings, row.id)
    return { row, current, request, pair: pairs.get(row.id), linked }
  }
  return new Map(
    store.services().map((row) => {
      const settings = decodeSettings(row.settings)
      const own = instances.get(row.service) ?? []
      return [row.service, { row, settings, instances: own.map((instance) => observed(instance, settings)) }]
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
