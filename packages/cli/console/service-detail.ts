import type { LivePeer, LiveService, RecordedCertificate, ServiceRecord } from '@datapunk/authority'
import { parseOcspResponse } from '@datapunk/pki'
import { formatDocumentNumber } from '@datapunk/protocol'
import type {
  ConsoleCertificate,
  ConsolePeer,
  ConsolePin,
  ConsoleServiceDetail,
} from '@datapunk/protocol/console'

/** A service as the console shows it, from what is on record and what its processes say. */
export function serviceDetail(record: ServiceRecord, live: LiveService): ConsoleServiceDetail {
  const staples = new Map(live.staples.map(({ serial, answer }) => [serial, stapleOf(answer)]))
  return {
    service: record.service.service,
    spiffeId: record.service.spiffeId,
    callers: record.callers,
    certificates: record.certificates
      .map((one) => certificateOf(one, staples.get(one.row.serial) ?? null))
      .sort((a, b) => b.notBefore - a.notBefore),
    pins: pinsOf(record),
    peers: live.peers.map(peerOf),
  }
}

function certificateOf(
  { row, isCurrent, revocation }: RecordedCertificate,
  staple: ConsoleCertificate['staple'],
): ConsoleCertificate {
  const { serial, instance = '', notBefore, notAfter, state, slot, log } = row
  return {
    ...{ serial, instance, notBefore, notAfter, staple },
    state: isCurrent ? 'current' : state,
    revokedAt: revocation?.at ?? null,
    reason: revocation?.reason ?? null,
    issuer: slot,
    log: log ?? null,
  }
}

function stapleOf(answer: string): ConsoleCertificate['staple'] {
  const response = parseOcspResponse(Buffer.from(answer, 'base64'))
  if (response.status !== 'successful') return null
  const [first] = response.answers
  if (first?.nextUpdate === undefined) return null
  const { status, thisUpdate, nextUpdate } = first
  return { status: status.kind, thisUpdate, nextUpdate }
}

function pinsOf({ pins, nextKeys, certificates }: ServiceRecord): ConsolePin[] {
  const next = new Set(nextKeys.map(({ spkiHash }) => spkiHash))
  const current = new Set(certificates.flatMap(({ row, isCurrent }) => (isCurrent ? [row.spkiHash] : [])))
  return pins.map(({ spkiHash }) => ({
    spkiHash,
    of: current.has(spkiHash) ? 'current' : next.has(spkiHash) ? 'next' : 'earlier',
  }))
}

function peerOf({ instance, version, since, serial, acknowledged, report, refusal }: LivePeer): ConsolePeer {
  return {
    ...{ instance, version, since, serial },
    enforced: acknowledged === undefined ? null : formatDocumentNumber(acknowledged.number),
    open: report?.open ?? 0,
    refused: report?.refused ?? {},
    reported: report?.reported ?? {},
    refusal: refusal ?? null,
  }
}
