import type { Signer } from '@datapunk/pki'
import type { Engine } from '../engine/engine.ts'
import { ensureKey } from '../engine/slots.ts'
import { certifyIssuingCa, certifyRoot } from '../issuing/certify.ts'
import { announceTrust } from '../publishing/announce-trust.ts'
import { publishLists } from '../revoked/lists.ts'
import { activate } from '../rollover/roll.ts'
import type { Transaction } from '../store/contract.ts'
import type { SlotRow } from '../store/rows.ts'
import { seatLog } from '../transparency/log-slot.ts'
import { meshSettingsText } from './record-config.ts'

const MESH_ID_BYTES = 16

/**
 * Makes what a mesh stands on, once. Each step is skipped where it is done, so that a crash between any two is taken up
 * by the next apply; nothing is made twice, because a key is on disk before its slot is on record, and a slot on record
 * before its key signs.
 */
export async function foundMesh(engine: Engine): Promise<void> {
  const { config, store, keys } = engine
  // 1 The mesh has an id, and from now on an inventory: keys found without one are somebody else's.
  if (store.mesh() === undefined) await recordMesh(engine)
  // 2 The root, whose key is opened once for all that follows.
  const rootSlot = await ensureKey(engine, 'root', config.authority.root)
  await keys.withSigner(rootSlot, async () => {
    await keys.withSigner(rootSlot, (signer) => makeKeysUnder(engine, rootSlot, signer))
    // 5 The log that certificates go to.
    if (config.transparency !== 'off') await seatLog(engine)
    // 6 The trust statement that names them all.
    await announceTrust(engine)
    // 7 The first list of each CA, on which nothing is.
    await publishLists(engine)
  })
}

async function makeKeysUnder(engine: Engine, rootSlot: SlotRow, signer: Signer): Promise<void> {
  const { config } = engine
  const certificate = await certifyRoot(engine, rootSlot, signer, 'active')
  const root = { slot: rootSlot.id, certificate, signer }
  // 3 The issuing CA under it.
  const issuingSlot = await ensureKey(engine, 'issuing-ca', config.authority.issuing)
  if (issuingSlot.certificate === undefined) await certifyIssuingCa(engine, issuingSlot, root)
  if (issuingSlot.state === 'prepared') await activate(engine, [issuingSlot.id])
  // 4 The bundle key, which only speaks for the mesh.
  const bundleSlot = await ensureKey(engine, 'bundle-key', { algorithm: 'ecdsa-p256' })
  if (bundleSlot.state === 'prepared') await activate(engine, [bundleSlot.id])
}

/** @param alongside done in the same transaction */
export async function recordMesh(
  { config, store, randomBytes, clock, actor, report }: Engine,
  alongside: (transaction: Transaction) => void = () => {},
): Promise<void> {
  const at = clock()
  const meshId = Buffer.from(randomBytes(MESH_ID_BYTES)).toString('hex')
  const { trustDomain, environment = '' } = config
  await store.write((transaction) => {
    transaction.createMesh({
      meshId,
      trustDomain,
      environment,
      generation: 1,
      createdAt: at,
      halted: undefined,
      backedUpAt: undefined,
      // Nobody has a certificate yet that is not logged.
      ...(config.transparency !== 'off' && { scts: config.transparency }),
      settings: meshSettingsText(config),
    })
    transaction.addAudit({ at, actor, deed: 'mesh-created', entry: { meshId, trustDomain, environment } })
    alongside(transaction)
  })
  report({ kind: 'mesh-created', subject: 'mesh', at, detail: { meshId, trustDomain } })
}
