import type { Signer } from '@datapunk/pki'
import { caCertificate } from '../engine/ca-certificate.ts'
import type { Engine } from '../engine/engine.ts'
import { activeSlot, certificateOf, ensureKey, newSlotId } from '../engine/slots.ts'
import { certifyIssuingCa, certifyRoot } from '../issuing/certify.ts'
import { announceTrust } from '../publishing/announce-trust.ts'
import { recordRevocation } from '../revoked/record-revocation.ts'
import type { SlotKind, SlotRow } from '../store/rows.ts'
import { seatLog } from '../transparency/log-slot.ts'
import { requireRootKeys } from '../trust/root-keys.ts'

/**
 * The emergency path of story 5: a key is in other hands, so nobody is waited for. What was trusted through it is not from
 * the next trust statement on; who has not heard of that refuses what is new, and goes on believing what is stolen, until he
 * hears.
 *
 * 1 New keys are made, and certified by what is still good → 2 the old ones are out, the new ones sign → 3 a trust statement
 * without the old ones, and a bundle, go to whoever listens → 4 every leaf that stood on them is issued anew (the next pass
 * of `apply`)
 *
 * @throws AuthorityError `ROOT_KEY_NEEDED`, `PASSPHRASE_WRONG`
 */
export async function compromise(engine: Engine, kind: SlotKind): Promise<void> {
  const { store, clock, actor, report, keys } = engine
  requireRootKeys(engine)
  await keys.provePassphrase()
  // 1 What was prepared before lay beside them: it is lost too. Should a crash end this here, the next try makes others.
  const lost = store.slots().filter((slot) => isLost(slot, kind))
  const made = await makeNext(engine, kind)
  // 2
  const at = clock()
  await store.write((transaction) => {
    for (const slot of lost) {
      transaction.putSlot({ ...slot, state: 'compromised', since: at })
      transaction.addAudit({ at, actor, deed: 'key-compromised', entry: { slot: slot.id } })
      // For whoever goes by lists; peers go by the trust statement. A root is on nobody's list, nor is one that was taken over.
      const serial = slot.certificate && caCertificate(slot.certificate).serial
      const row = serial === undefined ? undefined : transaction.certificate(serial)
      if (slot.kind === 'issuing-ca' && row !== undefined)
        recordRevocation(transaction, { row, reason: 'ca-compromise', at, actor })
    }
    for (const slot of transaction.slots()) {
      if (!made.includes(slot.id)) continue
      transaction.putSlot({ ...slot, state: 'active', since: at })
      transaction.addAudit({ at, actor, deed: 'key-activated', entry: { slot: slot.id } })
    }
  })
  keys.seatRoot(store.slots())
  for (const { id } of lost) report({ kind: 'key-compromised', subject: 'mesh', at, detail: { slot: id } })
  for (const id of made) report({ kind: 'key-activated', subject: 'mesh', at, detail: { slot: id } })
  // Whoever hears it from us on another host believes our next certificate, and no longer the one before.
  await engine.ownPair.renew(engine)
  // 3 Signed by the stolen root too: whoever trusts only that one follows it to the new one, this once.
  await announceTrust(engine)
}

function isLost({ kind, state }: SlotRow, lost: SlotKind): boolean {
  const inUse = state === 'active' || state === 'retiring' || state === 'prepared'
  return inUse && (kind === lost || (lost === 'root' && kind === 'issuing-ca'))
}

async function makeNext(engine: Engine, kind: SlotKind): Promise<string[]> {
  const { config, keys } = engine
  if (kind === 'log') return [(await seatLog(engine, { fresh: true })).id]
  if (kind === 'bundle-key') {
    const { id } = await ensureKey(engine, kind, { algorithm: 'ecdsa-p256' }, newSlotId(engine, kind))
    return [id]
  }
  const issuing = await ensureKey(
    engine,
    'issuing-ca',
    config.authority.issuing,
    newSlotId(engine, 'issuing-ca'),
  )
  const certify = (root: SlotRow, signer: Signer) =>
    certifyIssuingCa(engine, issuing, { slot: root.id, certificate: certificateOf(root), signer })
  if (kind === 'issuing-ca') {
    const root = activeSlot(engine, 'root')
    await keys.withSigner(root, (signer) => certify(root, signer))
    return [issuing.id]
  }
  const next = await ensureKey(engine, 'root', config.authority.root, newSlotId(engine, 'root'))
  await keys.withSigner(next, async (signer) => {
    const certificate = await certifyRoot(engine, next, signer, 'prepared')
    await certify({ ...next, certificate: certificate.der }, signer)
  })
  return [next.id, issuing.id]
}
