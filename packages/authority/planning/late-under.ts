import { type Late, lateForReissue, slotsAbove, type Waiting } from '../waiting/late.ts'
import type { Inventory } from './inventory.ts'

/** Who has, or shows, a certificate that this issuing CA has signed, or that is in this log. */
export function lateUnder(
  slot: string,
  { services, witnesses, authorityUnder, operatorTerms }: Inventory,
  asked: Omit<Waiting, 'expired'>,
): readonly Late[] {
  const { now, leftOut } = asked
  const late: Late[] = []
  for (const { row, instances } of services.values()) {
    for (const { row: instance, current } of row.state === 'member' ? instances : []) {
      // A pair is in use until its service is seen to have taken up the next.
      if (current === undefined || current.notAfter <= now || leftOut.includes(instance.id)) continue
      if (!slotsAbove(current).includes(slot)) continue
      const reason =
        instance.place === 'here' ? 'has a certificate of it' : 'has to ask for a new certificate'
      late.push({ instance: instance.id, reason })
    }
  }
  // What was issued anew may not be shown yet.
  for (const instance of witnesses.undelivered) {
    if (!leftOut.includes(instance)) late.push({ instance, reason: 'has not read its files anew' })
  }
  // Nobody can tell whether a browser still shows one when there is another.
  for (const { operator, serial, under, notAfter } of operatorTerms) {
    if (!under.includes(slot) || notAfter <= now || leftOut.includes(operator)) continue
    const end = new Date(notAfter).toISOString()
    late.push({ instance: operator, reason: `has ${serial} of it until ${end}, or until that is revoked` })
  }
  if (authorityUnder.includes(slot))
    late.push({ instance: 'authority', reason: 'has a certificate of it, for peers on other hosts' })
  return late.length > 0 ? late : lateForReissue(witnesses, slot, asked)
}
