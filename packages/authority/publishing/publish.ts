import { isDeepStrictEqual } from 'node:util'
import type { Signer } from '@datapunk/pki'
import {
  type BundleHead,
  compareDocumentNumbers,
  encodeAudit,
  formatDocumentNumber,
  isSignedBy,
  readBundleHead,
  sealBundleHead,
} from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { checkHalt } from '../engine/halt.ts'
import { activeSlot, slotInUse } from '../engine/slots.ts'
import { pinModeNow, pinningAfter, pinningWanted } from '../pinning/pin-mode.ts'
import { DAY } from '../time.ts'
import { termsWithNext } from '../waiting/longest-memory.ts'
import { drainingIssuers } from './draining.ts'
import { writePublished } from './published-files.ts'
import { sectionOf, sectionsOf } from './sections.ts'

/**
 * Signs the next bundle, writes it for peers that read files, and sends it to those that listen.
 *
 * @throws AuthorityError `INVENTORY_OUTDATED`
 */
export async function publish(engine: Engine): Promise<void> {
  const { store, keys, clock, report, push } = engine
  await keys.withSigner(activeSlot(engine, 'bundle-key'), (signer) => publishBundle(engine, signer))
  checkHalt(engine)
  writePublished(engine)
  push()
  const number = formatDocumentNumber(store.bundle()!)
  report({ kind: 'bundle-published', subject: 'mesh', at: clock(), detail: { number } })
}

/** Signs and records the next bundle: the members and their keys as the inventory has them. */
async function publishBundle(engine: Engine, signer: Signer): Promise<void> {
  const { store, config, clock, actor } = engine
  const now = clock()
  const mesh = store.mesh()
  const trust = store.trustStatements().at(-1)
  if (mesh === undefined || trust === undefined) throw new TypeError('a bundle stands on a trust statement')
  const [wanted, pinMode] = [pinningWanted(engine), pinModeNow(engine)]
  const audit = store.auditTree()
  const sections = [
    ...sectionsOf(store, pinMode, { now, pinnedAt: now }),
    sectionOf('audit', false, encodeAudit(audit)),
  ]
  const draining = new Set(drainingIssuers(store, now))
  const previous = store.bundle()
  const sameGeneration = previous?.generation === mesh.generation
  const head: BundleHead = {
    meshId: mesh.meshId,
    format: 1,
    number: { generation: mesh.generation, counter: sameGeneration ? previous.counter + 1 : 1 },
    issuedAt: now,
    expiresAt: now + config.authority.bundleDays * DAY,
    trustStatement: { generation: trust.generation, counter: trust.counter },
    sections: sections.map(({ kind, critical, digest, bytes }) => ({
      ...{ kind, critical, digest, size: bytes.byteLength },
    })),
  }
  const bytes = await sealBundleHead(head, signer)
  await store.write((transaction) => {
    transaction.addBundle(
      { ...head.number, head: bytes, issuedAt: now, expiresAt: head.expiresAt },
      new Map(sections.map(({ digest, bytes }) => [digest, bytes])),
    )
    transaction.changeMesh({ bundleTerms: termsWithNext(mesh.bundleTerms ?? [], config, now) })
    const announced = { ...head.number, at: now }
    for (const slot of transaction.slots()) {
      const { toldIn, ...rest } = slot
      const isTold = slot.state === 'retiring' && (slot.kind === 'bundle-key' || draining.has(slot.spkiHash))
      if (isTold && toldIn === undefined) transaction.putSlot({ ...rest, toldIn: announced })
      else if (!isTold && toldIn !== undefined) transaction.putSlot(rest)
    }
    if (pinMode !== 'off') transaction.announceNextKeys(announced)
    transaction.putPinning(pinningAfter(transaction.pinning(), { wanted, mode: pinMode }, announced))
    transaction.addAuditCheckpoint({ ...head.number, ...audit })
    transaction.addAudit({ at: now, actor, deed: 'bundle-published', entry: { ...head.number } })
  })
}

/**
 * Whether the newest bundle says what the inventory says now, under the newest trust statement, by the key in use. Of the
 * audit it can't: to publish it is a deed that the audit tells of.
 */
export function isBundleCurrent(engine: Pick<Engine, 'store' | 'peers' | 'clock' | 'config'>): boolean {
  const { store, clock } = engine
  const bundle = store.bundle()
  const trust = store.trustStatements().at(-1)
  if (bundle === undefined || trust === undefined) return false
  const { head, document } = readBundleHead(bundle.head)
  const key = slotInUse(store.slots(), 'bundle-key')
  return (
    compareDocumentNumbers(head.trustStatement, trust) === 0 &&
    key !== undefined &&
    isSignedBy(document, key.spki) &&
    isDeepStrictEqual(
      head.sections.flatMap(({ kind, digest }) => (kind === 'audit' ? [] : [digest])),
      // A key whose certificate has ended since then goes with the bundle of the next day.
      sectionsOf(store, pinModeNow(engine), { now: clock(), pinnedAt: bundle.issuedAt }).map(
        ({ digest }) => digest,
      ),
    )
  )
}
