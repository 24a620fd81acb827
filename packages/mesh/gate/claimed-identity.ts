import { hash } from 'node:crypto'
import { type Certificate, parseCertificate } from '@datapunk/pki'
import type { ClaimedPeer } from '../refusal.ts'
import type { MeshView } from './view.ts'

/**
 * What a refused certificate says of itself, for the record. Nothing in it is proven, and it may be anything: whatever
 * can't be read is left out.
 *
 * @param der as presented
 * @param parsed the same, where the gate got that far
 */
export function claimedIdentity(
  der: Uint8Array | undefined,
  parsed: Certificate | undefined,
  view: MeshView,
): ClaimedPeer {
  if (der === undefined) return nobody
  const fingerprint = hash('sha256', der, 'hex')
  const leaf = parsed ?? tryParse(der)
  if (leaf === undefined) return { ...nobody, fingerprint }
  const spiffeId = leaf.extensions.subjectAltName?.uris.find((uri) => uri.startsWith('spiffe://'))
  return {
    service: spiffeId === undefined ? undefined : view.bundle.memberBySpiffeId.get(spiffeId)?.service,
    spiffeId: spiffeId && clipped(spiffeId),
    subject: clipped(leaf.subject.toString()),
    serial: leaf.serial,
    fingerprint,
  }
}

/** Characters of a claim that a record has room for: what a stranger says of himself must not fill a log. */
const MAX_CLAIM = 1000

export function clipped(text: string): string {
  return text.length <= MAX_CLAIM ? text : `${text.slice(0, MAX_CLAIM)}…`
}

const nobody: ClaimedPeer = {
  service: undefined,
  spiffeId: undefined,
  subject: undefined,
  serial: undefined,
  fingerprint: undefined,
}

function tryParse(der: Uint8Array): Certificate | undefined {
  try {
    return parseCertificate(der)
  } catch {
    return undefined
  }
}
