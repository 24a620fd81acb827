import type { Certificate, Signer } from '@datapunk/pki'
import { caCertificate } from '../engine/ca-certificate.ts'
import type { Engine } from '../engine/engine.ts'
import { activeSlot, certificateOf, ensureKey, nextSlotId } from '../engine/slots.ts'
import { certifyIssuingCa, certifyRoot } from '../issuing/certify.ts'
import { type Issuer, issueCross } from '../issuing/issue.ts'
import type { RollStep } from '../planning/roll-step.ts'
import { announceTrust } from '../publishing/announce-trust.ts'
import { publishLists } from '../revoked/lists.ts'
import { recordRevocation } from '../revoked/record-revocation.ts'
import type { Reader } from '../store/contract.ts'
import type { CertificateRow, SlotKind, SlotRow } from '../store/rows.ts'
import { seatLog } from '../transparency/log-slot.ts'
import { hasVouched, isFor } from '../trust/vouching.ts'
import { compromise } from './compromise.ts'

/** Takes one step of a roll-over. Each is taken up again where a crash ended it, because the next plan asks for it again. */
export async function takeStep(engine: Engine, step: RollStep): Promise<void> {
  switch (step.kind) {
    case 'prepare':
      return prepare(engine, step.slotKind)
    case 'publish-trust-statement':
      return announceTrust(engine)
    case 'activate':
      return activate(engine, step.slots)
    case 'retire':
      return retire(engine, step.slots)
    case 'publish-lists':
      return publishLists(engine, step.slots)
    case 'compromise':
      return compromise(engine, step.slotKind)
  }
}

/** 1 The next key and its certificate. A root is vouched for by the one before it, and vouches for that. */
async function prepare(engine: Engine, kind: SlotKind): Promise<void> {
  const { config, keys } = engine
  const id = nextSlotId(engine, kind)
  if (kind === 'log') {
    await seatLog(engine, { fresh: true })
    return
  }
  if (kind === 'bundle-key') {
    await ensureKey(engine, kind, { algorithm: 'ecdsa-p256' }, id)
    return
  }
  if (kind === 'issuing-ca') {
    const slot = await ensureKey(engine, kind, config.authority.issuing, id)
    const parent = preparedSlot(engine, 'root') ?? activeSlot(engine, 'root')
    await keys.withSigner(parent, (signer) => certifyIssuingCa(engine, slot, issuerOf(parent, signer)))
    return
  }
  const slot = await ensureKey(engine, kind, config.authority.root, id)
  await keys.withSigner(slot, async (signer) => {
    const certificate = await certifyRoot(engine, slot, signer, 'prepared')
    const before = activeSlot(engine, 'root')
    await keys.withSigner(before, async (signerBefore) => {
      const next = { slot: slot.id, certificate, signer }
      await vouch(engine, issuerOf(before, signerBefore), certificate)
      await vouch(engine, next, certificateOf(before))
    })
  })
}

async function vouch(engine: Engine, issuer: Issuer, subject: Certificate): Promise<void> {
  if (!hasVouched(engine.store, issuer.slot, subject)) await issueCross(subject, issuer, engine)
}

/** 3 From here on they sign; what did before retires. */
export async function activate(engine: Engine, ids: readonly string[]): Promise<void> {
  const { store, clock, actor, report, keys } = engine
  const at = clock()
  const next = store.slots().filter(({ id }) => ids.includes(id))
  await store.write((transaction) => {
    for (const slot of next) {
      for (const before of transaction.slots()) {
        if (before.kind !== slot.kind || before.state !== 'active') continue
        transaction.putSlot({ ...before, state: 'retiring', since: at, leftOut: slot.leftOut })
      }
      transaction.putSlot({ ...slot, state: 'active', since: at })
      transaction.addAudit({ at, actor, deed: 'key-activated', entry: { slot: slot.id } })
    }
  })
  keys.seatRoot(store.slots())
  for (const { id } of next) report({ kind: 'key-activated', subject: 'mesh', at, detail: { slot: id } })
}

/**
 * 6 Trusted no more: 7, the next trust statement, leaves them out. For whoever goes by lists the root's says so: a CA that is gone
 * signs none, and what it had revoked would be good again where a list that is missing is passed over.
 */
async function retire(
  { store, clock, actor, report, keys, config }: Engine,
  ids: readonly string[],
): Promise<void> {
  const at = clock()
  const retired = store.slots().filter(({ id }) => ids.includes(id))
  await store.write((transaction) => {
    for (const slot of transaction.slots()) {
      if (!ids.includes(slot.id)) continue
      transaction.putSlot({ ...slot, state: 'retired', since: at })
      transaction.addAudit({ at, actor, deed: 'key-retired', entry: { slot: slot.id } })
      for (const row of issuedFor(slot, transaction))
        recordRevocation(transaction, { row, reason: 'superseded', at, actor })
    }
  })
  for (const slot of retired) {
    // A root has yet to sign that statement, and that may wait for somebody to bring its key; nothing waits for the others.
    if (slot.kind !== 'root') keys.discard(slot)
    const isOffline = slot.kind === 'root' && config.authority.root.offline
    const detail = { slot: slot.id, ...(isOffline && { reason: COPIES_ARE_YOURS }) }
    report({ kind: 'key-retired', subject: 'mesh', at, detail })
  }
}

/** The certificate of an issuing CA; of a root those in which others vouch for it. */
function issuedFor(
  { id, kind, certificate }: SlotRow,
  store: Pick<Reader, 'certificate' | 'issuedOf'>,
): readonly CertificateRow[] {
  if (certificate === undefined) return []
  const own = caCertificate(certificate)
  if (kind !== 'issuing-ca')
    return store.issuedOf('cross').filter(({ slot, der }) => slot !== id && isFor(caCertificate(der!), own))
  const row = store.certificate(own.serial)
  return row === undefined ? [] : [row]
}

const COPIES_ARE_YOURS =
  'it signs once more, the trust statement that leaves it out; then its file here is destroyed, and copies elsewhere are for you to destroy'

function preparedSlot({ store }: Engine, kind: SlotKind): SlotRow | undefined {
  return store.slots().find((slot) => slot.kind === kind && slot.state === 'prepared' && slot.certificate)
}

function issuerOf(slot: SlotRow, signer: Signer): Issuer {
  return { slot: slot.id, certificate: certificateOf(slot), signer }
}
