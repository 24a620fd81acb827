import type { Config, Requirement } from '@datapunk/protocol'
import { slotInUse } from '../engine/slots.ts'
import { isLiving } from '../scts/submit.ts'
import { lateForTrust } from '../waiting/late.ts'
import { longestMemory } from '../waiting/longest-memory.ts'
import type { Inventory } from './inventory.ts'

/**
 * What peers are to be told of certificates that are not logged: undefined for nothing. Required begins by itself, once every
 * member's certificate is logged and every live peer knows the log and shows such a certificate; until then peers report
 * (docs/decisions/transparency.md). It does not end by itself.
 */
export function wantedScts(config: Config, inventory: Inventory, now: number): Requirement | undefined {
  if (config.transparency === 'off') return undefined
  if (config.transparency === 'report') return 'report'
  if (inventory.mesh?.scts === 'required') return 'required'
  return isEveryoneLogged(config, inventory, now) ? 'required' : 'report'
}

function isEveryoneLogged(config: Config, inventory: Inventory, now: number): boolean {
  const { slots, services, witnesses, announced } = inventory
  const logs = new Set(slots.filter((slot) => slot.kind === 'log' && isLiving(slot)).map(({ id }) => id))
  const active = slotInUse(slots, 'log')
  const trust = active && announced.get(active.id)
  if (trust === undefined) return false
  const memory = longestMemory(config, inventory.mesh)
  const asked = { now, expired: now > memory(trust.issuedAt), memory, leftOut: [] }
  const isLogged = (
    certificate: { readonly log: string | undefined; readonly notAfter: number } | undefined,
  ) => certificate === undefined || certificate.notAfter <= now || logs.has(certificate.log ?? '')
  return (
    lateForTrust(witnesses, trust.number, asked).length === 0 &&
    [...witnesses.live, ...witnesses.known].every(({ shown }) => isLogged(shown)) &&
    [...services.values()].every(
      ({ row, instances }) => row.state !== 'member' || instances.every(({ current }) => isLogged(current)),
    )
  )
}
