import type { InstanceStatus, Status } from '@datapunk/authority'
import { timeText } from '../text/time-text.ts'

/** As many paths as are read. */
const SHOWN = 5

/** What is wrong with the mesh as a whole. */
export function faultsOf(status: Status, now: number): string[] {
  const faults: string[] = []
  if (status.fault !== undefined) faults.push(status.fault)
  else if (status.meshId === undefined) faults.push('there is no mesh yet: `mtls apply` makes it')
  else if (status.lostFiles.length > 0) faults.push(lostText(status.lostFiles))
  const { wanted, failure, unread } = status.transparency
  if (wanted !== 'off' && failure !== undefined) faults.push(`the log can’t be had: ${failure}`)
  if (wanted !== 'off' && unread !== undefined) faults.push(unread)
  if (status.bundleExpiresAt !== undefined && status.bundleExpiresAt <= now)
    faults.push('the bundle has expired: `mtls apply` signs a new one')
  for (const { subject, notAfter, state } of status.cas) {
    if (state === 'active' && notAfter <= now) faults.push(`${subject} has expired`)
  }
  return faults
}

function lostText(paths: readonly string[]): string {
  const more = paths.length > SHOWN ? ` and ${paths.length - SHOWN} more` : ''
  return `missing, or not as published: ${paths.slice(0, SHOWN).join(', ')}${more}; \`mtls apply\` writes it anew`
}

/** Issued by a clock that was ahead. */
export const NOT_VALID_YET = 'not valid yet'

/** What was tried and has failed, with an error of its own, and is tried again by itself. */
const RENEWAL_FAILED = 'renewal failed'
const NOT_TOLD = 'not told of its files'

/** What a fault of an instance is, and what mends it: where something was tried, by its own error. */
export function faultNote(
  fault: string,
  { service, failed, untold }: InstanceStatus,
  ahead: Status['ahead'],
): string {
  const attempt = fault === RENEWAL_FAILED ? failed : fault === NOT_TOLD ? untold : undefined
  if (attempt === undefined) return `${fault}: ${mendingOf(fault, service, ahead)} mends it`
  return `${attempt.error}; tried again at ${timeText(attempt.nextTryAt)}, and by \`mtls apply\` now`
}

/** Faults of an instance that `faultNote` has more to say of than the command. */
export function hasFailed(fault: string): boolean {
  return fault === RENEWAL_FAILED || fault === NOT_TOLD
}

/** What mends a fault of an instance. @param ahead what of the mesh is of the future too: under that another certificate would be so again */
function mendingOf(fault: string, service: string, ahead: Status['ahead']): string {
  if (fault !== NOT_VALID_YET) return '`mtls apply`'
  return ahead?.anew ?? `\`mtls rotate ${service}\``
}

/** What is wrong with one instance's certificate. */
export function faultsOfInstance(
  { serial, notBefore, notAfter, renewalDue, pair, held, barred, failed, untold }: InstanceStatus,
  now: number,
): string[] {
  if (barred) return []
  const faults: string[] = []
  if (failed !== undefined) faults.push(RENEWAL_FAILED)
  if (serial === undefined) return ['no certificate', ...faults]
  if (untold !== undefined) faults.push(NOT_TOLD)
  if (notBefore !== undefined && notBefore > now) faults.push(NOT_VALID_YET)
  if (notAfter !== undefined && notAfter <= now) faults.push('expired')
  else if (renewalDue !== undefined && renewalDue <= now && !held) faults.push('late')
  if (pair === 'missing') faults.push('pair missing')
  if (pair === 'other') faults.push('another pair on disk')
  return faults
}
