import type { InstanceStatus, Status } from '@datapunk/authority'
import {
  type ConsoleDue,
  type ConsoleInstance,
  type ConsoleMesh,
  type ConsoleRevocation,
  type ConsoleService,
  type ConsoleView,
  MAX_SHOWN_DUE,
} from '@datapunk/protocol/console'
import { faultNote, faultsOf, faultsOfInstance } from '../status/status-faults.ts'
import { askText } from '../text/root-key-text.ts'

/** The mesh as the console shows it, from what the authority says of it. @param now milliseconds since the epoch */
export function consoleView(
  status: Status,
  revocations: readonly ConsoleRevocation[],
  now: number,
): ConsoleView {
  const services = [...Map.groupBy(status.services, ({ service }) => service)]
    .map(([service, instances]) => serviceView(service, instances, status, now))
    .sort((a, b) => (a.service < b.service ? -1 : 1))
  return { mesh: meshView(status, now), services, links: status.links, revocations }
}

function meshView(status: Status, now: number): ConsoleMesh {
  const { bundle, bundleExpiresAt, outage, transparency, pinning } = status
  return {
    trustDomain: status.trustDomain,
    meshId: status.meshId ?? null,
    environment: status.environment ?? null,
    bundle: bundle ?? null,
    bundleExpiresAt: bundleExpiresAt ?? null,
    faults: faultsOf(status, now),
    outage: outage
      ? { until: outage.until, endedBy: `${outage.endedBy.kind} ${outage.endedBy.subject}` }
      : null,
    due: dueOf(status),
    slots: [
      ...status.cas.map(({ slot, kind, state, notAfter }) => ({ slot, kind, state, notAfter })),
      ...transparency.logs.map(({ slot, state }) => ({ slot, kind: 'log', state, notAfter: null })),
    ],
    rolls: status.waits.map(({ slot, stage, late, until = null }) => ({ slot, stage, late, until })),
    asks: status.asks.map(askText),
    transparency: {
      wanted: transparency.wanted,
      mode: transparency.mode,
      failure: transparency.failure ?? transparency.unread ?? null,
    },
    pinning: {
      wanted: pinning.wanted,
      mode: pinning.mode,
      suspendedUntil: pinning.suspendedUntil ?? null,
    },
  }
}

function dueOf({ services, cas, upcoming }: Status): ConsoleDue[] {
  const due: ConsoleDue[] = services.flatMap(({ instance, renewalDue, barred, held }) =>
    renewalDue === undefined || barred || held
      ? []
      : [{ at: Math.round(renewalDue), kind: 'renewal', subject: instance }],
  )
  for (const { slot, state, notAfter } of cas)
    if (state === 'active') due.push({ at: notAfter, kind: 'end', subject: slot })
  due.push(...upcoming.map(({ kind, subject, at }) => ({ kind, subject, at: Math.round(at) })))
  return due.sort((a, b) => a.at - b.at).slice(0, MAX_SHOWN_DUE)
}

function serviceView(
  service: string,
  instances: readonly InstanceStatus[],
  status: Status,
  now: number,
): ConsoleService {
  const bad = instances.flatMap((one) => badNotes(one, status, now))
  const warnings = instances.flatMap((one) => warningNotes(one, status))
  const isQuiet = instances.every(({ live, delivery }) => live === 0 && delivery !== 'by-file')
  return {
    service,
    state: bad.length > 0 ? 'bad' : warnings.length > 0 ? 'warning' : isQuiet ? 'quiet' : 'good',
    notes: [...bad, ...warnings, ...(isQuiet ? ['no process of it speaks to the authority'] : [])],
    names: instances[0]?.names ?? [],
    barred: instances.some(({ barred }) => barred),
    instances: instances.map(instanceView),
  }
}

function badNotes(one: InstanceStatus, { ahead }: Status, now: number): string[] {
  const { service, instance, barred } = one
  const notes = faultsOfInstance(one, now).map((fault) => `${instance}: ${faultNote(fault, one, ahead)}`)
  if (barred)
    notes.push(`${service} was revoked, and gets no certificate: \`mtls issue ${service}\` lets it in again`)
  return notes
}

function warningNotes(
  { instance, held, live, enforced, barred }: InstanceStatus,
  { bundle }: Status,
): string[] {
  const notes: string[] = []
  if (live > 0 && !barred && enforced !== bundle)
    notes.push(`${instance}: enforces ${enforced ?? 'nothing yet'}, not ${bundle}`)
  if (held) notes.push(`${instance}: its renewal is held: \`mtls rotate ${instance} --resume\``)
  return notes
}

function instanceView(one: InstanceStatus): ConsoleInstance {
  const { instance, place, notBefore, renewalDue, delivery, live, enforced } = one
  return {
    instance,
    place,
    notBefore: notBefore ?? null,
    renewalDue: renewalDue === undefined ? null : Math.round(renewalDue),
    delivery,
    live,
    enforced: enforced ?? null,
  }
}
