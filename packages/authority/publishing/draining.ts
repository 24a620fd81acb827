import type { Reader } from '../store/contract.ts'

/** Issuing CAs that retire, and under which no certificate is in use any more, by the hash of their keys. */
export function drainingIssuers(reader: Reader, now: number): string[] {
  const retiring = reader.slots().filter(({ kind, state }) => kind === 'issuing-ca' && state === 'retiring')
  if (retiring.length === 0) return []
  const members = new Set(reader.services().flatMap((row) => (row.state === 'member' ? [row.service] : [])))
  const services = new Map(reader.instances().map(({ id, service }) => [id, service]))
  const used = new Map<string, string[]>()
  for (const { slot, instance, notAfter } of reader.currentCertificates()) {
    if (notAfter <= now || !members.has(services.get(instance ?? '') ?? '')) continue
    used.set(slot, [...(used.get(slot) ?? []), instance!])
  }
  return retiring
    .filter(({ id, leftOut }) => (used.get(id) ?? []).every((instance) => leftOut.includes(instance)))
    .map(({ spkiHash }) => spkiHash)
}
