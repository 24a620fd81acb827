import { keyIdOf } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { noMesh } from '../engine/no-mesh.ts'
import { isAnyGone } from '../engine/slots.ts'
import { AuthorityError } from '../error.ts'
import { pinningWanted } from '../pinning/pin-mode.ts'
import { isBundleCurrent, publish } from '../publishing/publish.ts'
import { requireInConfig } from '../services/in-config.ts'
import { certificateRequestOf, decodeSettings } from '../services/settings.ts'
import type { ServiceRow } from '../store/rows.ts'
import { slotsAbove } from '../waiting/late.ts'
import { issueLeaf } from './issue.ts'
import { chainOf, type IssuedChain, withIssuer } from './issue-pair.ts'
import { settingsToCertify } from './issued-constraints.ts'
import { type ProvenKey, provenKeyOf } from './proven-csr.ts'

/** A CSR that was looked at, and whose it is. */
interface CheckedCsr extends ProvenKey {
  readonly row: ServiceRow
  readonly instance: string
}

/**
 * Sees that peers are told of the key of a CSR, which comes to be that of its instance. A key with a certificate that is valid
 * is known to them.
 *
 * @param csr PKCS#10, PEM or DER
 * @throws PkiError when the CSR can't be read, or its key is not the one that signed it; AuthorityError `NOT_A_MEMBER`,
 *   `CSR_INVALID`
 */
export async function announceCsrKey(engine: Engine, service: string, csr: Uint8Array): Promise<void> {
  const { store, clock } = engine
  const { instance, spki, key } = checkedCsr(engine, service, csr)
  const spkiHash = keyIdOf(spki)
  const isKnown = store
    .pinnedKeys(clock())
    .some((one) => one.service === service && one.spkiHash === spkiHash)
  await store.write((transaction) => {
    transaction.putInstance({ id: instance, service, place: 'elsewhere', since: clock(), held: undefined })
    if (isKnown || pinningWanted(engine) === 'off') return
    const { algorithm, rsaBits: keySize = null } = key
    transaction.putNextKey({ instance, spkiHash, algorithm, keySize, announced: undefined })
  })
  if (!isBundleCurrent(engine)) await publish(engine)
}

/**
 * Story 1 for a key that lives elsewhere, once peers were told of it. What the certificate
 * says is for the config to decide.
 *
 * @throws as `announceCsrKey`
 */
export async function issueForCsr(engine: Engine, service: string, csr: Uint8Array): Promise<IssuedChain> {
  await announceCsrKey(engine, service, csr)
  const { clock, report } = engine
  const { row, instance, spki, key } = checkedCsr(engine, service, csr)
  return withIssuer(engine, async (issuer) => {
    const settings = settingsToCertify(issuer.constraints, decodeSettings(row.settings))
    const request = {
      ...certificateRequestOf(settings),
      keyAlgorithm: key.algorithm,
      keySize: key.rsaBits ?? null,
    }
    const { validityDays } = settings
    const leaf = { instance, spiffeId: row.spiffeId, validityDays, spki, mayWait: hasOther(engine, service) }
    const issued = await issueLeaf({ ...leaf, request }, issuer, engine)
    const { serial, notAfter } = issued
    const detail = { instance, serial, notAfter: new Date(notAfter).toISOString() }
    report({ kind: 'certificate-issued', subject: service, at: clock(), detail })
    return { service, instance, serial, notAfter, certificate: chainOf(issued.der, issuer) }
  })
}

/** Whether somebody who asks for the certificates of this service has one that is good. */
function hasOther({ store, clock }: Engine, service: string): boolean {
  const own = store.instances().filter((row) => row.service === service && row.place === 'elsewhere')
  const ids = new Set(own.map(({ id }) => id))
  return store
    .currentCertificates()
    .filter(({ instance }) => instance !== undefined && ids.has(instance))
    .some((row) => clock() < row.notAfter && !isAnyGone(slotsAbove(row), store.slots()))
}

function checkedCsr(engine: Engine, service: string, csr: Uint8Array): CheckedCsr {
  const { store } = engine
  const row = store.services().find((one) => one.service === service && one.state === 'member')
  if (row === undefined) throw notAMember(service, engine)
  requireInConfig(engine.config, service)
  const proven = provenKeyOf(engine, csr)
  const instance = `${service}-${keyIdOf(proven.spki).slice(0, 8)}`
  const other = store.instances().find((one) => one.id === instance)
  if (other === undefined || (other.service === service && other.place === 'elsewhere'))
    return { row, instance, ...proven }
  throw new AuthorityError(
    'CSR_INVALID',
    `found a key whose instance would be ${instance}, which is the name of another; allowed: a new key`,
    { data: { instance } },
  )
}

export function notAMember(service: string, { store }: Pick<Engine, 'store'>): AuthorityError {
  if (store.mesh() === undefined) return noMesh()
  const members = store.services().filter((row) => row.state === 'member')
  const names = members.map((row) => row.service).slice(0, 20)
  return new AuthorityError(
    'NOT_A_MEMBER',
    `found no member ${service}; allowed: ${names.join(', ') || 'none yet'}. Add it to the config and run \`mtls apply\``,
    { data: { found: service } },
  )
}
