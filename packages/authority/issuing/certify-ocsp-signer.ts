import type { Engine } from '../engine/engine.ts'
import { certificateOf } from '../engine/slots.ts'
import { AuthorityError } from '../error.ts'
import { issueOcspSigner } from './issue.ts'

/**
 * Certifies a key that answers OCSP requests for an issuing CA. By that CA itself, also while it retires: only its delegate may
 * answer for it (RFC 6960 4.2.2.2).
 *
 * @param spki DER SubjectPublicKeyInfo
 * @returns DER
 * @throws AuthorityError `REFERENCE_MISSING` where the CA is not in use
 */
export async function certifyOcspSigner(engine: Engine, slot: string, spki: Uint8Array): Promise<Uint8Array> {
  const { store, keys, config, report, clock } = engine
  const row = store
    .slots()
    .find(({ id, state }) => id === slot && (state === 'active' || state === 'retiring'))
  if (row === undefined || row.kind !== 'issuing-ca') {
    throw new AuthorityError('REFERENCE_MISSING', `found no issuing CA ${slot} in use; allowed: one that is`)
  }
  const { organization, country } = config.certificates
  const subject = { commonName: 'OCSP responder', organization, country }
  const issued = await keys.withSigner(row, (signer) =>
    issueOcspSigner({ subject, spki }, { slot, certificate: certificateOf(row), signer }, engine),
  )
  const { serial, notAfter } = issued
  const detail = { slot, serial, notAfter: new Date(notAfter).toISOString() }
  report({ kind: 'certificate-issued', subject: 'authority', at: clock(), detail })
  return issued.der
}
