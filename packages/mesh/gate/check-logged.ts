import type { BadSct, Certificate } from '@datapunk/pki'
import { keyIdOf, type Member } from '@datapunk/protocol'
import { Refused } from '../refusal.ts'
import type { MeshView } from './view.ts'

export interface LoggedCheck {
  /** SHA-256 of the certificate, lowercase hex. */
  readonly fingerprint: string
  /** DER SubjectPublicKeyInfo of whoever has issued it. */
  readonly issuerSpki: Uint8Array
  /** Milliseconds since the epoch. */
  readonly at: number
}

/**
 * Step 5 of the gate: a log that is trusted has promised to hold the certificate (RFC 6962 5.2), and is not known to have broken
 * its word.
 *
 * @returns what would be refused, were it not only to be reported
 * @throws Refused `NOT_LOGGED`
 */
export function checkLogged(
  leaf: Certificate,
  { service }: Member,
  view: MeshView,
  { fingerprint, issuerSpki, at }: LoggedCheck,
): Refused | undefined {
  const { transparency } = view.bundle
  if (transparency === undefined) return undefined
  const latest = at + view.clockSkew
  const found = view.logged.of({ fingerprint, leaf, issuerSpki }, { logs: view.logs, latest })
  const why = 'sct' in found ? view.logged.objection(found) : faultsText(found)
  if (why === undefined) return undefined
  const refused = new Refused(
    'NOT_LOGGED',
    `found the certificate ${leaf.serial} of ${service} ${why}; allowed: one that a transparency log of this mesh holds`,
    `find out who has issued it: \`mtls log list\` and \`mtls audit\` show what the authority has; where it is the pair that \`mtls apply\` wrote, \`mtls rotate ${service}\` makes one that is logged`,
    { leaf },
  )
  if (transparency === 'required') throw refused
  return refused
}

const faults: Readonly<Record<BadSct['fault'], string>> = {
  FROM_THE_FUTURE: 'with an SCT from the future',
  LIST_MALFORMED: 'with a list of SCTs that can’t be read',
  LOG_REPEATED: 'with a second SCT of one log',
  LOG_UNKNOWN: 'with an SCT of a log that the trust statement does not name',
  SCT_MALFORMED: 'with an SCT that can’t be read',
  SIGNATURE_WRONG: 'with an SCT that its log has not signed for it',
}

function faultsText(bad: readonly BadSct[]): string {
  if (bad.length === 0) return 'without an SCT'
  return [...new Set(bad.map(({ fault }) => faults[fault]))].join(' and ')
}

/** Where it is logged, as far as its SCT says. */
export function loggedText({
  leaf,
  view,
  fingerprint,
  issuerSpki,
  at,
}: LoggedCheck & { readonly leaf: Certificate; readonly view: MeshView }): string {
  if (view.bundle.transparency === undefined) return 'no log is asked for'
  const found = view.logged.of(
    { fingerprint, leaf, issuerSpki },
    { logs: view.logs, latest: at + view.clockSkew },
  )
  if (!('sct' in found)) return faultsText(found)
  const log = view.trust.logs.find(({ spki }) => keyIdOf(spki) === found.sct.log)
  return `promised as entry ${found.sct.leafIndex} of ${log?.origin ?? found.sct.log}`
}
