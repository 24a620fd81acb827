import { MAX_NAMES, type Member, type Subject } from '@datapunk/protocol'
import type { Reader } from '../store/contract.ts'
import type { CertificateRow, InstanceRow } from '../store/rows.ts'
import { type CertificateRequest, decodeRequest, decodeSettings, type Settings } from './settings.ts'

type MembersReader = Pick<
  Reader,
  | 'acknowledgements'
  | 'attempts'
  | 'certificate'
  | 'currentCertificates'
  | 'deliveries'
  | 'instances'
  | 'liveCertificates'
  | 'services'
>

/**
 * The members, from the settings applied. During a change both the old and the new are accepted: the names of the newest
 * certificate of each instance, and of those that it may show still, unless they are another member's by now; and the subjects
 * of every certificate that has not expired.
 */
export function membersOf(reader: MembersReader, now: number): Member[] {
  const settings = new Map<string, Settings>()
  const owners = new Map<string, string>()
  const rows = reader.services().filter((row) => row.state === 'member')
  for (const row of rows) {
    const applied = decodeSettings(row.settings)
    settings.set(row.service, applied)
    for (const name of [...applied.dnsNames, ...applied.ipAddresses]) owners.set(name, row.service)
  }
  const instances = reader.instances()
  const living = requestsByService(reader.liveCertificates(now), instances)
  const served = requestsByService([...reader.currentCertificates(), ...stillShown(reader, now)], instances)
  return rows.map((row) => {
    const applied = settings.get(row.service) as Settings
    const stillServed = served.get(row.service) ?? []
    const withServed = (field: 'dnsNames' | 'ipAddresses') => {
      const names = new Set(applied[field])
      for (const request of stillServed) for (const name of request[field]) names.add(name)
      // Of more than peers read those that are wanted stay, and those of the newest certificates.
      return [...names]
        .filter((name) => (owners.get(name) ?? row.service) === row.service)
        .slice(0, MAX_NAMES)
    }
    return {
      service: row.service,
      spiffeId: row.spiffeId,
      dnsNames: withServed('dnsNames'),
      ipAddresses: withServed('ipAddresses'),
      subjects: distinctSubjects([applied, ...(living.get(row.service) ?? [])]),
      callers: applied.allow,
      address: applied.address ?? undefined,
      listen: applied.listen ?? undefined,
      minTls: applied.minTls,
    }
  })
}

/**
 * Certificates that are not the newest of their instances, and that these may show still: the one that an instance spoke with
 * last, and all of whoever reads files, because nobody sees when he has read them.
 */
export function stillShown(reader: MembersReader, now: number): CertificateRow[] {
  const newest = new Set(reader.currentCertificates().map(({ serial }) => serial))
  const spoken = reader.acknowledgements().flatMap(({ serial }) => {
    const row = newest.has(serial) ? undefined : reader.certificate(serial)
    return row?.state === 'issued' && row.notAfter > now ? [row] : []
  })
  const told = reader.deliveries().map(({ instance }) => instance)
  const toTell = reader.attempts().flatMap(({ kind, subject }) => (kind === 'reload' ? [subject] : []))
  const byFile = new Set([...told, ...toTell])
  if (byFile.size === 0) return spoken
  return [...spoken, ...reader.liveCertificates(now).filter(({ instance }) => byFile.has(instance ?? ''))]
}

function requestsByService(
  certificates: readonly CertificateRow[],
  instances: readonly InstanceRow[],
): Map<string, CertificateRequest[]> {
  const serviceOf = new Map(instances.map(({ id, service }) => [id, service]))
  const requests = new Map<string, CertificateRequest[]>()
  for (const { instance, request } of certificates) {
    const service = serviceOf.get(instance ?? '')
    if (service === undefined) continue
    const list = requests.get(service)
    if (list === undefined) requests.set(service, [decodeRequest(request)])
    else list.push(decodeRequest(request))
  }
  return requests
}

function distinctSubjects(of: readonly Subject[]): Subject[] {
  const subjects: Subject[] = []
  for (const { organization, country } of of) {
    const isKnown = subjects.some((each) => each.organization === organization && each.country === country)
    if (!isKnown) subjects.push({ organization, country })
  }
  return subjects
}
