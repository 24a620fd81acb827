import type { Certificate, Signer } from '@datapunk/pki'
import type { CaConfig } from '@datapunk/protocol'
import { caCertificate } from './ca-certificate.ts'
import { constraintsOf, parseConstraints, permittedPart } from './constraints.ts'
import type { Engine } from './engine.ts'
import { type Issuer, issueIssuingCa, issueRoot } from './issue.ts'
import { publishLists } from './revocation/lists.ts'
import { activate, announceTrust } from './rollover/roll.ts'
import type { Settings } from './settings.ts'
import type { SlotKind, SlotRow } from './store/contract.ts'
import { seatLog } from './transparency/log-slot.ts'

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
  // 2 The root, for the seconds in which it signs.
  const rootSlot = await ensureKey(engine, 'root', config.authority.root)
  await keys.withSigner(rootSlot, async (signer) => {
    const certificate = await certifyRoot(engine, rootSlot, signer, 'active')
    const root = { slot: rootSlot.id, certificate, signer }
    // 3 The issuing CA under it.
    const issuingSlot = await ensureKey(engine, 'issuing-ca', config.authority.issuing)
    if (issuingSlot.certificate === undefined) await certifyIssuingCa(engine, issuingSlot, root)
    if (issuingSlot.state === 'prepared') await activate(engine, [issuingSlot.id])
    // 4 The bundle key, which only speaks for the mesh.
    const bundleSlot = await ensureKey(engine, 'bundle-key', { algorithm: 'ecdsa-p256' })
    if (bundleSlot.state === 'prepared') await activate(engine, [bundleSlot.id])
  })
  // 5 The log that certificates go to.
  if (config.transparency !== 'off') await seatLog(engine)
  // 6 The trust statement that names them all.
  await announceTrust(engine)
  // 7 The first list of each CA, on which nothing is.
  await publishLists(engine)
}

/** What the certificate of an issuing CA was asked to allow; undefined while it has none. */
export function issuedConstraints({ store }: Pick<Engine, 'store'>, slot: SlotRow): string | undefined {
  return slot.certificate && store.certificate(caCertificate(slot.certificate).serial)?.request
}

/** What a certificate may say now: until there is an issuing CA that may sign for all of it, it is renewed without the rest. */
export function settingsToCertify(engine: Pick<Engine, 'store'>, settings: Settings): Settings {
  const constraints = issuedConstraints(engine, activeSlot(engine, 'issuing-ca'))
  return (constraints && permittedPart(parseConstraints(constraints), settings)) || settings
}

export function activeSlot(engine: Pick<Engine, 'store'>, kind: SlotKind): SlotRow {
  const slot = engine.store.slots().find((one) => one.kind === kind && one.state === 'active')
  if (slot === undefined) throw new TypeError(`the mesh has no active ${kind}`)
  return slot
}

export function certificateOf(slot: SlotRow): Certificate {
  if (slot.certificate === undefined) throw new TypeError(`${slot.id} has no certificate`)
  return caCertificate(slot.certificate)
}

export async function recordMesh({
  config,
  store,
  randomBytes,
  clock,
  actor,
  report,
}: Engine): Promise<void> {
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
    })
    transaction.addAudit({ at, actor, deed: 'mesh-created', entry: { meshId, trustDomain, environment } })
  })
  report({ kind: 'mesh-created', subject: 'mesh', at, detail: { meshId, trustDomain } })
}

/** The slot of this kind (the first one, or `id` where that is given), with its key on disk. */
export async function ensureKey(
  { store, keys, clock, actor }: Engine,
  kind: SlotKind,
  { algorithm }: Pick<CaConfig, 'algorithm'>,
  id?: string,
): Promise<SlotRow> {
  const known = store.slots().find((slot) => (id === undefined ? slot.kind === kind : slot.id === id))
  if (known !== undefined) return known
  const slotId = id ?? `${kind}-1`
  const { spki, spkiHash } = await keys.ensure({ id: slotId, kind }, algorithm)
  const at = clock()
  const slot: SlotRow = {
    id: slotId,
    kind,
    state: 'prepared',
    algorithm,
    spkiHash,
    spki,
    certificate: undefined,
    since: at,
    leftOut: [],
  }
  await store.write((transaction) => {
    transaction.putSlot(slot)
    transaction.addAudit({ at, actor, deed: 'key-created', entry: { slot: slotId, algorithm, spkiHash } })
  })
  return slot
}

/** The root's own certificate, made once. @param state the slot's, from then on */
export async function certifyRoot(
  engine: Engine,
  slot: SlotRow,
  signer: Signer,
  state: 'prepared' | 'active',
): Promise<Certificate> {
  const { config, clock, report } = engine
  if (slot.certificate !== undefined) return certificateOf(slot)
  const { organization, country } = config.certificates
  const commonName = `${config.trustDomain} root ${slot.id.split('-').at(-1)}`.slice(-64)
  const certificate = await issueRoot(
    { slot: slot.id, commonName, organization, country },
    config.authority.root.years,
    signer,
    engine,
    (transaction, der) => transaction.putSlot({ ...slot, state, certificate: der, since: clock() }),
  )
  report({ kind: 'root-created', subject: 'mesh', at: clock(), detail: detailOf(slot, certificate) })
  return certificate
}

export async function certifyIssuingCa(engine: Engine, slot: SlotRow, root: Issuer): Promise<void> {
  const { config, clock, report } = engine
  const { organization, country } = config.certificates
  const encodedConstraints = constraintsOf(config)
  const commonName = `${config.trustDomain} issuing CA ${slot.id.split('-').at(-1)}`.slice(-64)
  const certificate = await issueIssuingCa(
    {
      subject: { commonName, organization, country },
      spki: slot.spki,
      constraints: parseConstraints(encodedConstraints),
      encodedConstraints,
    },
    config.authority.issuing.years,
    root,
    engine,
    (transaction, der) => transaction.putSlot({ ...slot, certificate: der }),
  )
  report({ kind: 'issuing-ca-created', subject: 'mesh', at: clock(), detail: detailOf(slot, certificate) })
}

/** The one that is prepared already, or a new one. */
export function nextSlotId(engine: Engine, kind: SlotKind): string {
  const prepared = engine.store.slots().find((slot) => slot.kind === kind && slot.state === 'prepared')
  return prepared?.id ?? newSlotId(engine, kind)
}

export function newSlotId({ store }: Engine, kind: SlotKind): string {
  const numbers = store
    .slots()
    .filter((slot) => slot.kind === kind)
    .map((slot) => Number(slot.id.slice(kind.length + 1)))
  return `${kind}-${Math.max(0, ...numbers) + 1}`
}

function detailOf(slot: SlotRow, certificate: Certificate): Record<string, unknown> {
  return { slot: slot.id, serial: certificate.serial, notAfter: new Date(certificate.notAfter).toISOString() }
}
