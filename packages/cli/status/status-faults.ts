import type { InstanceStatus, Status } from '@datapunk/authority'

/** What is wrong with the mesh as a whole. */
export function faultsOf(status: Status, now: number): string[] {
  const faults: string[] = []
  if (status.fault !== undefined) faults.push(status.fault)
  else if (status.meshId === undefined) faults.push('there is no mesh yet: `mtls apply` makes it')
  if (status.bundleExpiresAt !== undefined && status.bundleExpiresAt <= now)
    faults.push('the bundle has expired: `mtls apply` signs a new one')
  for (const { subject, notAfter, state } of status.cas) {
    if (state === 'active' && notAfter <= now) faults.push(`${subject} has expired`)
  }
  return faults
}

/** Issued by a clock that was ahead. */
export const NOT_VALID_YET = 'not valid yet'

/** The command that mends a fault of an instance. */
export function mendingOf(fault: string, service: string): string {
  return fault === NOT_VALID_YET ? `mtls rotate ${service}` : 'mtls apply'
}

/** What is wrong with one instance's certificate. */
export function faultsOfInstance(
  { serial, notBefore, notAfter, renewalDue, pair, held, barred }: InstanceStatus,
  now: number,
): string[] {
  if (barred) return []
  if (serial === undefined) return ['no certificate']
  const faults: string[] = []
  if (notBefore !== undefined && notBefore > now) faults.push(NOT_VALID_YET)
  if (notAfter !== undefined && notAfter <= now) faults.push('expired')
  else if (renewalDue !== undefined && renewalDue <= now && !held) faults.push('late')
  if (pair === 'missing') faults.push('pair missing')
  if (pair === 'other') faults.push('another pair on disk')
  return faults
}
