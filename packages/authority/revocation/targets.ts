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
  /** Keys that are in other hands: none of them gets a certificate any more. SHA-256 of each SPKI, lowercase hex. */
  readonly keys: readonly string[]
  /** Instances whose folders others have seen, where their next keys lie too. */
  readonly exposed: readonly string[]
  /** What was revoked before. */
  readonly already: readonly RevocationRow[]
}

/** How many hexadecimal digits of a serial say which one is meant. */
const SHORTEST_SERIAL = 16

/**
 * Finds what is meant on record: of a key that is in other hands every certificate, whatever became of the one that is named.
 * One target that can't be revoked, and nothing is.
 *
 * @throws AuthorityError `NO_MESH`; `NOT_REVOCABLE`, naming every such target
 */
export function findTargets(looking: Looking, { targets, reason }: Meant): Targets {
  requireMesh(looking)
  const named: Named = {
    certificates: new Map(),
    services: new Map(),
    cas: new Map(),
    already: new Map(),
    past: [],
  }
  const isStolen = reason === 'key-compromise'
  const faults = targets.flatMap(
    (target) =>
      ('service' in target
        ? nameService(looking, named, target.service)
        : nameCertificate(looking, named, { target, isStolen })) ?? [],
  )
  if (faults.length > 0) throw notRevocable(faults)
  const stolen = isStolen ? stolenWith(looking, named) : NOTHING_STOLEN
  for (const row of stolen.others) named.certificates.set(row.serial, row)
  return {
    certificates: [...named.certificates.values()],
    services: [...named.services.values()],
    cas: [...named.cas.values()],
    already: [...named.already.values()],
    keys: stolen.keys,
    exposed: stolen.exposed,
  }
}

type Looking = Pick<Engine, 'store' | 'clock'>

/** By serial, service, slot and serial. */
interface Named {
  readonly certificates: Map<string, CertificateRow>
  readonly services: Map<string, ServiceRow>
  readonly cas: Map<string, SlotRow>
  readonly already: Map<string, RevocationRow>
  /** Those that can't be revoked any more: their keys can be in other hands all the same. */
  readonly past: CertificateRow[]
}

/** @returns why it can't be revoked, if so */
function nameService({ store, clock }: Looking, named: Named, service: string): string | undefined {
  const row = store.services().find((one) => one.service === service)
  if (row === undefined)
    return `found no service ${service}; allowed: one that is on record, as \`mtls status\` shows them`
  named.services.set(service, row)
  const now = clock()
  for (const { id } of store.instances().filter((one) => one.service === service)) {
    for (const one of store.revocableOf(id, now)) named.certificates.set(one.serial, one)
    named.past.push(...store.revokedOf(id, now))
  }
  return undefined
}

/** @returns why it can't be revoked, if so */
function nameCertificate(
  looking: Looking,
  named: Named,
  {
    target,
    isStolen,
  }: { readonly target: Exclude<RevokeTarget, { service: string }>; readonly isStolen: boolean },
): string | undefined {
  const { store, clock } = looking
  const row =
    'serial' in target ? bySerial(looking, target.serial) : byCertificate(looking, target.certificate)
  if (typeof row === 'string') return row
  const before = store.revocation(row.serial)
  const hasEnded = row.notAfter <= clock()
  const fault = whyNot(row, { hasEnded: hasEnded && !(isStolen && isOfHolder(row)) })
  if (fault !== undefined) return fault
  // One that was revoked before and is in use still has yet to be replaced.
  const slot = row.profile === 'issuing-ca' ? slotOf(looking, row) : undefined
  if (slot !== undefined) named.cas.set(slot.id, slot)
  if (before !== undefined) named.already.set(before.serial, before)
  if (before !== undefined || hasEnded) named.past.push(row)
  else named.certificates.set(row.serial, row)
  return undefined
}

interface Stolen extends Pick<Targets, 'keys' | 'exposed'> {
  /** Certificates of the same keys: a CSR may come again and again, also when its first certificate was revoked. */
  readonly others: readonly CertificateRow[]
}

const NOTHING_STOLEN: Stolen = { others: [], keys: [], exposed: [] }

/** What goes with the keys of what was named. A CA is replaced as a whole. */
function stolenWith({ store, clock }: Looking, { certificates, past, services }: Named): Stolen {
  const named = [...certificates.values(), ...past]
  const keys = new Set(named.map(({ spkiHash }) => spkiHash))
  const others = store.liveCertificates(clock()).filter((row) => isOfHolder(row) && keys.has(row.spkiHash))
  const exposed = new Set([...named, ...others].flatMap(({ instance }) => instance ?? []))
  for (const { id, service } of store.instances()) if (services.has(service)) exposed.add(id)
  for (const { instance, spkiHash } of store.nextKeys()) if (exposed.has(instance)) keys.add(spkiHash)
  return { others, keys: [...keys], exposed: [...exposed] }
}

/** Whose key is its own, and may be certified more than once. */
function isOfHolder({ profile }: CertificateRow): boolean {
  return profile === 'leaf' || profile === 'operator'
}

function bySerial({ store }: Looking, serial: string): CertificateRow | string {
  const exact = store.certificate(serial) ?? store.certificate(`00${serial}`)
  if (exact !== undefined) return exact
  const [row, ...others] = serial.length < SHORTEST_SERIAL ? [] : store.certificatesFrom(serial)
  if (row !== undefined && others.length === 0) return row
  return `found no certificate ${serial}; allowed: the serial of one that this mesh has issued, at least its first ${SHORTEST_SERIAL} digits, as \`mtls status\` and \`mtls inspect FILE\` show it`
}

/** Its serial alone would let a certificate of somebody else name one of ours. */
function byCertificate({ store }: Looking, base64: string): CertificateRow | string {
  const { serial, der, subject } = parseCertificate(Buffer.from(base64, 'base64'))
  const row = store.certificate(serial)
  if (row?.der !== undefined && Buffer.compare(row.der, der) === 0) return row
  return `found the certificate ${serial} of ${subject}, which this mesh has not issued; allowed: one that it has`
}

function whyNot(
  { serial, profile, notAfter }: CertificateRow,
  { hasEnded }: { readonly hasEnded: boolean },
): string | undefined {
  if (profile === 'root') {
    return `found the certificate ${serial} of a root, which no list can take back; allowed: \`mtls compromise --root-ca\` replaces it`
  }
  if (hasEnded) {
    return `found the certificate ${serial}, which ended at ${new Date(notAfter).toISOString()}: nobody accepts it any more`
  }
  return undefined
}

/** The slot in use whose certificate this is. */
function slotOf({ store }: Looking, { der }: CertificateRow): SlotRow | undefined {
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
