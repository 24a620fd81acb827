import { type Certificate, parseCertificate } from '@datapunk/pki'
import { certificateOf, slotInUse } from '../engine/slots.ts'
import type { Reader } from '../store/contract.ts'

/** Whether a slot has signed the key of a root (RFC 9810 4.4.1). */
export function hasVouched(store: Pick<Reader, 'issuedOf'>, issuer: string, subject: Certificate): boolean {
  return store
    .issuedOf('cross')
    .some(({ slot, der }) => slot === issuer && isFor(parseCertificate(der!), subject))
}

/** Whether the root in use and the one that follows it have signed each other’s keys; true where none is ready to follow. */
export function rootsHaveVouched(store: Pick<Reader, 'issuedOf' | 'slots'>): boolean {
  const slots = store.slots()
  const active = slotInUse(slots, 'root')
  const next = slots.find(({ kind, state }) => kind === 'root' && state === 'prepared')
  if (active?.certificate === undefined || next?.certificate === undefined) return true
  return (
    hasVouched(store, active.id, certificateOf(next)) && hasVouched(store, next.id, certificateOf(active))
  )
}

/** Whether it certifies the key of this root. */
export function isFor(cross: Certificate, { spki }: Certificate): boolean {
  return Buffer.compare(cross.spki, spki) === 0
}
