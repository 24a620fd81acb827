import { parseCertificate } from '@datapunk/pki'
import type { Engine } from '../engine/engine.ts'
import { requireMesh } from '../engine/no-mesh.ts'
import { AuthorityError } from '../error.ts'
import type { CertificateRow, RevocationReason, RevocationRow, ServiceRow, SlotRow } from '../store/rows.ts'

/** What somebody wants nobody to accept any more. */
export type RevokeTarget =
  /** All certificates of a service; it gets no other until somebody issues it one. */
  | { readonly service: string }
  /** One certificate. Lowercase hex, as `mtls status` shows it or longer. */
  | { readonly serial: string }
  /** One certificate, by itself: DER in base64. */
  | { readonly certificate: string }

/** Which certificates are meant, and why nobody is to accept them. */
export interface Meant {
  readonly targets: readonly RevokeTarget[]
  readonly reason: RevocationReason
}

/** What targets come to, each of them on record and valid. */
export interface Targets {
  readonly certificates: readonly CertificateRow[]
  readonly services: readonly ServiceRow[]
  /** CAs that are in use: with them goes everything under them. */
  readonly cas: readonly SlotRow[]
  /** What was revoked before. */
  readonly already: readonly RevocationRow[]
}

/** How many hexadecimal digits of a serial say which one is meant. */
const SHORTEST_SERIAL = 16

/**
 * Finds what is meant on record: of a key that is in other hands every certificate. One target that can't be revoked, and
 * nothing is.
 *
 * @throws AuthorityError `NO_MESH`; `NOT_REVOCABLE`, naming every such target
 */
export function findTargets(engine: Pick<Engine, 'store' | 'clock'>, { targets, reason }: Meant): Targets {
  requireMesh(engine)
  const certificates = new Map<string, CertificateRow>()
  const services = new Map<string, ServiceRow>()
  const cas = new Map<string, SlotRow>()
  const already = new Map<string, RevocationRow>()
  const faults: string[] = []
  const { store, clock } = engine
  const now = clock()
  for (const target of targets) {
    if ('service' in target) {
      const row = store.services().find(({ service }) => service === target.service)
      if (row === undefined) {
        faults.push(
          `found no service ${target.service}; allowed: one that is on record, as \`mtls status\` shows them`,
        )
        continue
      }
      services.set(row.service, row)
      for (const { id, service } of store.instances()) {
        if (service !== row.service) continue
        for (const one of store.revocableOf(id, now)) certificates.set(one.serial, one)
      }
      continue
    }
    const row =
      'serial' in target ? bySerial(engine, target.serial) : byCertificate(engine, target.certificate)
    if (typeof row === 'string') {
      faults.push(row)
      continue
    }
    const fault = whyNot(row, now)
    const before = store.revocation(row.serial)
    if (fault !== undefined) {
      faults.push(fault)
      continue
    }
    // One that was revoked before and is in use still has yet to be replaced.
    const slot = row.profile === 'issuing-ca' ? slotOf(engine, row) : undefined
    if (slot !== undefined) cas.set(slot.id, slot)
    if (before !== undefined) already.set(before.serial, before)
    else certificates.set(row.serial, row)
  }
  if (faults.length > 0) throw notRevocable(faults)
  if (reason === 'key-compromise') {
    const before = [...already.keys()].flatMap((serial) => store.certificate(serial) ?? [])
    for (const row of ofSameKeys(engine, [...certificates.values(), ...before]))
      certificates.set(row.serial, row)
  }
  return {
    certificates: [...certificates.values()],
    services: [...services.values()],
    cas: [...cas.values()],
    already: [...already.values()],
  }
}

/** A CSR may come again and again, also when its first certificate was revoked. A CA is replaced as a whole. */
function ofSameKeys(
  { store, clock }: Pick<Engine, 'store' | 'clock'>,
  certificates: readonly CertificateRow[],
): CertificateRow[] {
  const isOfHolder = ({ profile }: CertificateRow) => profile === 'leaf' || profile === 'operator'
  const keys = new Set(certificates.filter(isOfHolder).map(({ spkiHash }) => spkiHash))
  if (keys.size === 0) return []
  return store.liveCertificates(clock()).filter((row) => isOfHolder(row) && keys.has(row.spkiHash))
}

function bySerial({ store }: Pick<Engine, 'store'>, serial: string): CertificateRow | string {
  const exact = store.certificate(serial) ?? store.certificate(`00${serial}`)
  if (exact !== undefined) return exact
  const [row, ...others] = serial.length < SHORTEST_SERIAL ? [] : store.certificatesFrom(serial)
  if (row !== undefined && others.length === 0) return row
  return `found no certificate ${serial}; allowed: the serial of one that this mesh has issued, at least its first ${SHORTEST_SERIAL} digits, as \`mtls status\` and \`mtls inspect FILE\` show it`
}

/** Its serial alone would let a certificate of somebody else name one of ours. */
function byCertificate({ store }: Pick<Engine, 'store'>, base64: string): CertificateRow | string {
  const { serial, der, subject } = parseCertificate(Buffer.from(base64, 'base64'))
  const row = store.certificate(serial)
  if (row?.der !== undefined && Buffer.compare(row.der, der) === 0) return row
  return `found the certificate ${serial} of ${subject}, which this mesh has not issued; allowed: one that it has`
}

function whyNot({ serial, profile, notAfter }: CertificateRow, now: number): string | undefined {
  if (profile === 'root') {
    return `found the certificate ${serial} of a root, which no list can take back; allowed: \`mtls compromise --root-ca\` replaces it`
  }
  if (notAfter <= now) {
    return `found the certificate ${serial}, which ended at ${new Date(notAfter).toISOString()}: nobody accepts it any more`
  }
  return undefined
}

/** The slot in use whose certificate this is. */
function slotOf({ store }: Pick<Engine, 'store'>, { der }: CertificateRow): SlotRow | undefined {
  return store
    .slots()
    .find(
      ({ certificate, state }) =>
        certificate !== undefined &&
        der !== undefined &&
        Buffer.compare(certificate, der) === 0 &&
        state !== 'retired' &&
        state !== 'compromised',
    )
}

function notRevocable(faults: readonly string[]): AuthorityError {
  return new AuthorityError('NOT_REVOCABLE', `nothing was revoked: ${faults.join('; ')}`, {
    data: { faults },
  })
}
