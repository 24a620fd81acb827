import type { InstanceStatus } from '@datapunk/authority'
import type { StatusDocument } from '../documents/status.ts'
import { askDocument } from '../text/root-key-text.ts'
import { timeOrNull, timeText } from '../text/time-text.ts'
import { waitDocument } from '../text/wait-text.ts'
import { faultsOfInstance } from './status-faults.ts'
import type { StatusLook } from './status-look.ts'

/** What `mtls status --json` prints. */
export function statusDocument({ status, faults, now }: StatusLook): StatusDocument {
  const { bundleExpiresAt, cas, services, outage, meshId = null, environment = null } = status
  return {
    trustDomain: status.trustDomain,
    meshId,
    environment,
    bundle: status.bundle ?? null,
    bundleExpiresAt: timeOrNull(bundleExpiresAt),
    keysUnprotected: status.keysUnprotected,
    backedUpAt: timeOrNull(status.backedUpAt),
    keysSinceBackup: status.keysSinceBackup,
    cas: cas.map((ca) => ({ ...ca, notBefore: timeText(ca.notBefore), notAfter: timeText(ca.notAfter) })),
    services: services.map((one) => ({
      ...one,
      serial: one.serial ?? null,
      notBefore: timeOrNull(one.notBefore),
      notAfter: timeOrNull(one.notAfter),
      renewalDue: timeOrNull(one.renewalDue),
      failed: attemptDocument(one.failed),
      untold: attemptDocument(one.untold),
      enforced: one.enforced ?? null,
      faults: faultsOfInstance(one, now),
    })),
    links: status.links,
    served: status.served,
    waits: status.waits.map(waitDocument),
    asks: status.asks.map(askDocument),
    takeAway: status.takeAway,
    transparency: {
      ...status.transparency,
      elsewhere: status.transparency.elsewhere ?? null,
      failure: status.transparency.failure ?? null,
      unread: status.transparency.unread ?? null,
    },
    pinning: { ...status.pinning, suspendedUntil: timeOrNull(status.pinning.suspendedUntil) },
    outage: outage === undefined ? null : { until: timeText(outage.until), endedBy: outage.endedBy },
    outageBudgetSeconds: outage === undefined ? null : Math.max(0, Math.floor((outage.until - now) / 1000)),
    faults,
  }
}

function attemptDocument(attempt: InstanceStatus['failed']) {
  return attempt === undefined ? null : { ...attempt, nextTryAt: timeText(attempt.nextTryAt) }
}
