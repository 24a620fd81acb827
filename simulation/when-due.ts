import type { ApplyReport } from '../packages/authority/apply.ts'
import { caCertificate } from '../packages/authority/ca-certificate.ts'
import type { Engine } from '../packages/authority/engine.ts'
import type { Pace } from '../packages/authority/pace.ts'
import { bundleDue, renewalDue } from '../packages/authority/plan.ts'
import { longestLeaf, longestMemory, rollDue } from '../packages/authority/rollover/roll-plan.ts'
import { decodeSettings } from '../packages/authority/settings.ts'

const DAY = 24 * 60 * 60 * 1000
const YEAR = 365 * DAY
const MINUTE = 60_000

/**
 * When the authority has to look again after a look that went well, if nobody tells it anything.
 *
 * @returns milliseconds since the epoch; may lie in the past
 */
export function nextDue({ store, config, clock, peers }: Engine, report: ApplyReport, pace: Pace): number {
  const now = clock()
  const due: number[] = []
  const bundle = store.bundle()
  if (bundle !== undefined) due.push(bundleDue(config, bundle.issuedAt))
  const settings = new Map(store.services().map((row) => [row.service, row]))
  const services = new Map(store.instances().map(({ id, service }) => [id, settings.get(service)]))
  for (const row of store.currentCertificates()) {
    const service = services.get(row.instance ?? '')
    if (service?.state !== 'member') continue
    due.push(renewalDue(row, decodeSettings(service.settings).renewAt, config.rotation.jitter))
  }
  const isRolling = new Set<string>()
  for (const { kind, state } of store.slots()) if (state === 'prepared') isRolling.add(kind)
  for (const { kind, state, certificate, since } of store.slots()) {
    if (state !== 'active' || isRolling.has(kind)) continue
    if (kind === 'bundle-key') due.push(since + YEAR)
    else if (certificate !== undefined) {
      const child = kind === 'root' ? config.authority.issuing.years * YEAR : longestLeaf(config)
      due.push(rollDue(caCertificate(certificate), child))
    }
  }
  for (const { until } of report.waits) if (until !== undefined) due.push(until + 1)
  if (report.waits.length > 0) {
    due.push(peers.completeAt ?? now, now + DAY / 4)
    for (const { at } of store.acknowledgements()) due.push(at + longestMemory(config))
  }
  for (const { nextTryAt } of store.attempts()) due.push(nextTryAt)
  if (report.putOff > 0) due.push(pace.windowEnds)
  if (report.failed.length > 0) due.push(now + MINUTE)
  return Math.min(...due.filter((time) => time > now), now + DAY)
}
