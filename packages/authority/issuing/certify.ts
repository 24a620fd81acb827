import type { Certificate, Signer } from '@datapunk/pki'
import type { Engine } from '../engine/engine.ts'
import { certificateOf } from '../engine/slots.ts'
import { constraintsOf } from '../services/constraints.ts'
import type { SlotRow } from '../store/rows.ts'
import { type Issuer, issueIssuingCa, issueRoot } from './issue.ts'

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
  const commonName = `${config.trustDomain} issuing CA ${slot.id.split('-').at(-1)}`.slice(-64)
  const certificate = await issueIssuingCa(
    {
      subject: { commonName, organization, country },
      spki: slot.spki,
      constraints: constraintsOf(config),
    },
    config.authority.issuing.years,
    root,
    engine,
    (transaction, der) => transaction.putSlot({ ...slot, certificate: der }),
  )
  report({ kind: 'issuing-ca-created', subject: 'mesh', at: clock(), detail: detailOf(slot, certificate) })
}

function detailOf(slot: SlotRow, certificate: Certificate) {
  return { slot: slot.id, serial: certificate.serial, notAfter: new Date(certificate.notAfter).toISOString() }
}
