import { formatDocumentNumber } from '@datapunk/protocol'
import { spanText, timeText } from '../text/time-text.ts'
import { type Examination, isRead } from './examination.ts'
import type { Finding } from './finding.ts'

/** Whether what peers enforce is still of today. */
export function bundleFindings({ mesh, now }: Examination): Finding[] {
  if (!isRead(mesh)) return []
  const { number, issuedAt, expiresAt } = mesh.bundle.head
  const bundle = `bundle ${formatDocumentNumber(number)}`
  const fix = 'start `mtls up`, or run `mtls apply`, which signs a new one'
  if (now > expiresAt) {
    const found = `${bundle} ended at ${timeText(expiresAt)}: every peer refuses everybody`
    return [{ id: 'bundle-expired', severity: 'error', subject: 'mesh', found, fix }]
  }
  if (now - issuedAt < (expiresAt - issuedAt) / 2) return []
  const found = `${bundle} is of ${timeText(issuedAt)}, and ends in ${spanText(expiresAt - now)}: nobody signs a new one`
  return [{ id: 'bundle-stale', severity: 'warning', subject: 'mesh', found, fix }]
}

/** What was signed in the future was not: one of two clocks is wrong. By the authority's records, else by what it has published. */
export function clockFindings({ mesh, now, config, status }: Examination): Finding[] {
  if (isRead(status) && status.ahead !== undefined) {
    const { message: found, anew } = status.ahead
    const fix = `set the clock, if it is behind: \`timedatectl set-ntp true\`. If it was ahead when that was signed: ${anew}`
    return [{ id: 'clock-behind', severity: 'error', subject: 'mesh', found, fix }]
  }
  if (!isRead(mesh)) return []
  const { number, issuedAt } = mesh.bundle.head
  if (issuedAt <= now + config.authority.clockSkew) return []
  return [
    {
      id: 'clock-behind',
      severity: 'error',
      subject: 'mesh',
      found: `bundle ${formatDocumentNumber(number)} is of ${timeText(issuedAt)}, and this machine’s clock says ${timeText(now)}`,
      fix: 'set the clock, if it is behind: `timedatectl set-ntp true`. If it was ahead where that was signed, `mtls status` there names the two commands that make everything anew',
    },
  ]
}
