import type { Engine } from '../engine.ts'
import type { CertificateRow, SlotRow } from '../store/contract.ts'

/** Whether peers accept a certificate that was not revoked: it has not ended, and its issuing CA is still trusted. */
export function isAccepted(
  { slot, notAfter }: Pick<CertificateRow, 'slot' | 'notAfter'>,
  slots: readonly SlotRow[],
  now: number,
): boolean {
  const state = slots.find(({ id }) => id === slot)?.state
  return now < notAfter && (state === 'active' || state === 'retiring')
}

/** The instances whose newest certificate peers accept. */
export function servingInstances({ store, clock }: Pick<Engine, 'store' | 'clock'>): ReadonlySet<string> {
  const now = clock()
  const slots = store.slots()
  return new Set(
    store
      .currentCertificates()
      .flatMap((row) => (row.instance !== undefined && isAccepted(row, slots, now) ? [row.instance] : [])),
  )
}
