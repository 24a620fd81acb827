import { type DocumentNumber, keyIdOf, readBundleHead, readTrustStatement } from '@datapunk/protocol'
import { unsettled } from '../delivery/deliver.ts'
import { PairFolder } from '../disk/pair.ts'
import { caCertificate } from '../engine/ca-certificate.ts'
import type { Engine } from '../engine/engine.ts'
import { areFilesLinked } from '../engine/place.ts'
import { slotInUse } from '../engine/slots.ts'
import { issuedConstraints } from '../issuing/issued-constraints.ts'
import { type SeenKeys, withoutNextKey } from '../pinning/make-next-keys.ts'
import { pinsLate } from '../pinning/pin-mode.ts'
import type {
  BundleFacts,
  CaFacts,
  Inventory,
  InventoryInstance,
  InventoryService,
  OperatorTerm,
} from '../planning/inventory.ts'
import { isBundleCurrent } from '../publishing/publish.ts'
import { isPublishedOnDisk } from '../publishing/published-files.ts'
import { dueLists } from '../revoked/lists.ts'
import { operatorLabel, operatorOf } from '../services/service-record.ts'
import { decodeRequest, decodeSettings, type Settings } from '../services/settings.ts'
import type { Reader } from '../store/contract.ts'
import type { InstanceRow, SlotRow } from '../store/rows.ts'
import { isTrustStatementAhead } from '../timing/issued-ahead.ts'
import { rootKeysOf } from '../trust/root-keys.ts'
import { isBundleKeyTrusted, isTrustStatementCurrent, rootsToSign } from '../trust/trust.ts'
import { rootsHaveVouched } from '../trust/vouching.ts'
import { slotsAbove } from '../waiting/late.ts'
import { witnessesOf } from '../waiting/witnesses.ts'

/**
 * Takes the inventory: the store's rows, and what lies on disk.
 *
 * @param seen a moment ago, where nobody but the caller may have changed it since: to look is most of the work
 */
export function takeInventory(engine: Observed, seen: SeenOnDisk = seeDisk(engine)): Inventory {
  const { store } = engine
  const trustStatementCurrent = isTrustStatementCurrent(store)
  const trustStatementAhead = isTrustStatementAhead(engine)
  const issuing = slotInUse(store.slots(), 'issuing-ca')
  return {
    mesh: store.mesh(),
    slots: store.slots(),
    issuingConstraints: issuing && issuedConstraints(engine, issuing),
    cas: casOf(store),
    announced: announcedIn(store),
    trustStatementCurrent,
    trustStatementAhead,
    trustSigners: trustStatementCurrent && !trustStatementAhead ? [] : rootsToSign(store).map(({ id }) => id),
    bundleKeyTrusted: trustStatementCurrent || isBundleKeyTrusted(store),
    rootKeys: rootKeysOf(engine),
    rootsVouched: rootsHaveVouched(store),
    bundle: bundleOf(store),
    log: engine.logSeat.log && keyIdOf(engine.logSeat.log.spki),
    logRoots: engine.logSeat.roots,
    dueLists: dueLists(engine),
    witnesses: witnessesOf(engine, unsettled(engine)),
    services: servicesOf(engine, seen),
    pinning: store.pinning()?.wanted,
    pinsLate: pinsLate(engine),
    authorityUnder: engine.ownPair.served?.under ?? [],
    operatorTerms: operatorTermsOf(engine),
    published: isBundleCurrent(engine) && isPublishedOnDisk(engine),
  }
}

export type Observed = Pick<
  Engine,
  'store' | 'disk' | 'layout' | 'config' | 'clock' | 'keys' | 'peers' | 'ownPair' | 'logSeat' | 'halting'
>

/** What was seen of the disk. */
export interface SeenOnDisk {
  /** As `pairsOnDisk` says. */
  readonly pairs: ReadonlyMap<string, string>
  readonly nextKeys: SeenKeys
}

export function seeDisk(engine: Pick<Engine, 'store' | 'disk' | 'layout'>): SeenOnDisk {
  return { pairs: pairsOnDisk(engine), nextKeys: new Map() }
}

function casOf(store: Reader): ReadonlyMap<string, CaFacts> {
  const facts = new Map<string, CaFacts>()
  for (const { id, kind, certificate } of store.slots()) {
    if (certificate === undefined) continue
    const { serial, notBefore, notAfter } = caCertificate(certificate)
    const row = store.certificate(serial)
    // A root that was taken over was issued by somebody else, and signs itself.
    const signer = row?.slot ?? id
    const constraints = kind === 'issuing-ca' ? row?.request : undefined
    const revoked = store.revocation(serial) !== undefined
    facts.set(id, { signer, notBefore, notAfter, constraints, revoked })
  }
  return facts
}

function operatorTermsOf({ store, config }: Pick<Engine, 'store' | 'config'>): OperatorTerm[] {
  const isWaited = ({ kind, state }: SlotRow) =>
    (kind === 'issuing-ca' || kind === 'log') && state === 'retiring'
  if (!store.slots().some(isWaited)) return []
  return store.issuedOf('operator').flatMap((row) => {
    const name = operatorOf(row)
    if (name === undefined || !config.operators.has(name)) return []
    const { serial, slot, log, notAfter } = row
    return [{ operator: operatorLabel(name), serial, under: slotsAbove({ slot, log }), notAfter }]
  })
}

function announcedIn(store: Reader): Inventory['announced'] {
  const announced = new Map<string, { number: DocumentNumber; issuedAt: number }>()
  const isRequired = store.mesh()?.scts === 'required'
  const prepared = store
    .slots()
    .filter(
      ({ kind, state }) => state === 'prepared' || (kind === 'log' && state === 'active' && !isRequired),
    )
  if (prepared.length === 0) return announced
  // From the newest back: none that does not name it, and is older, can be the first that does.
  let left = prepared
  for (const { bytes } of [...store.trustStatements()].reverse()) {
    const { number, issuedAt, roots, issuingCas, bundleKeys, logs } = readTrustStatement(bytes)
    const certificates = [...roots, ...issuingCas].map(({ der }) => der)
    const keys = new Set([...bundleKeys, ...logs.map(({ spki }) => spki)].map(keyIdOf))
    // A key that has got another certificate since is not known by that.
    left = left.filter(({ certificate, spkiHash }) =>
      certificate === undefined
        ? keys.has(spkiHash)
        : certificates.some((der) => Buffer.compare(der, certificate) === 0),
    )
    if (left.length === 0) break
    for (const { id } of left) announced.set(id, { number, issuedAt })
  }
  return announced
}

function bundleOf(store: Reader): BundleFacts | undefined {
  const row = store.bundle()
  if (row === undefined) return undefined
  const { head } = readBundleHead(row.head)
  return {
    number: head.number,
    trustStatement: head.trustStatement,
    issuedAt: head.issuedAt,
    expiresAt: head.expiresAt,
  }
}

function servicesOf(
  engine: Pick<Engine, 'store' | 'disk' | 'layout' | 'config'>,
  { pairs, nextKeys }: SeenOnDisk,
): Map<string, InventoryService> {
  const { store } = engine
  const newest = new Map(store.currentCertificates().map((row) => [row.instance, row]))
  const instances = Map.groupBy(store.instances(), (row) => row.service)
  const failures = new Map(
    store.attempts().flatMap((row) => (row.kind === 'issue' ? [[row.subject, row]] : [])),
  )
  const without = new Set(withoutNextKey(engine, { seen: nextKeys }).map(({ instance }) => instance))
  const observed = (row: InstanceRow, settings: Settings): InventoryInstance => {
    const current = newest.get(row.id)
    const request = current && decodeRequest(current.request)
    const linked = row.place !== 'here' || areFilesLinked(engine, settings, row.id)
    const nextKey = !without.has(row.id)
    return { row, current, request, pair: pairs.get(row.id), failed: failures.get(row.id), nextKey, linked }
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
      const serial = new PairFolder(layout.instance(id).dir, disk).serial()
      if (serial !== undefined) pairs.set(id, serial)
    } catch {
      // Why it can't be read is said by whoever uses it; here it is enough that there is none.
    }
  }
  return pairs
}
